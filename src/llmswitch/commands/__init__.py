"""One module a command: plain functions whose dependencies are their arguments."""
