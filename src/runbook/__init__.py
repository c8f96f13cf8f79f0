"""runbook: runbooks as code, walked by people, with a log that can be judged by anyone."""

VERSION = "0.1.0"
"""The tool's version; a constant, because asking the package metadata costs four interpreter starts."""
