"""`python -m llmswitch`: the same as the `llmswitch` command."""

from llmswitch.cli import main

if __name__ == "__main__":
    main()
