"""`python -m llmswitch`: the same as the `llmswitch` command."""

from llmswitch.cli.front import main

if __name__ == "__main__":
    main()
