"""Keys: where they are kept, and how a switch gets one."""
