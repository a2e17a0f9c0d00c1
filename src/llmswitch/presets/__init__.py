"""Presets: the files, what is in them, and the pin each becomes."""
