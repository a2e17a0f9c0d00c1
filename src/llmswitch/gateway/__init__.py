"""The local gateway, one base URL for slots at different providers; it needs the extra `llmswitch[gateway]`."""
