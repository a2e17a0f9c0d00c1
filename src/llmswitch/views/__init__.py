"""Results as lines of text. Nothing here decides anything, and no key gets in unmasked."""
