"""Evidence: what the sessions really asked, what answered, and what it cost."""
