"""The refusals that an option goes past."""

from llmswitch.base.errors import Refused


class Passable(Refused):
    """A refusal that a command goes past with --anyway, where it takes that."""
