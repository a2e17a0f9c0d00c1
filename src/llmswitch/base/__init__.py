"""What every other folder stands on: errors, secrets, URLs, files, JSON."""
