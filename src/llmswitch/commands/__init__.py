"""One verb a module: plain functions whose dependencies are their arguments."""
