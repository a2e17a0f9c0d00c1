"""`python -m llmswitch`: the same as the `llmswitch` command."""

from llmswitch.front import main

if __name__ == "__main__":
    main()
