"""The scalar language: Exprs, the functions that build them, and their derivatives."""
