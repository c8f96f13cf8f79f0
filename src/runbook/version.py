"""The version of this program, on its own: every room names it, and none may import the others for that."""

VERSION = "0.1.0"
"""A constant, because asking the package metadata costs four interpreter starts."""
