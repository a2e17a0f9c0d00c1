"""The local gateway, for presets whose slots live at several providers."""
