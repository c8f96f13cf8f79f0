"""Runs on Temporal, for more than one machine; loaded only by the commands that have to do with it."""
