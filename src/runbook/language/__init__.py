"""The runbook language: from a file's text to a checked runbook, or to every diagnostic at once.

It knows neither the walk nor the world nor the log; kinds come as an argument.
"""
