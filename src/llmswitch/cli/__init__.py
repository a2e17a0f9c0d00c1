"""Words in, words out: the front door, the only place with click."""
