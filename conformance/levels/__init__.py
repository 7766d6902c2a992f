"""The cases of each level."""
