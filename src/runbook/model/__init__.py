"""What everything else is made of: the runbook as data, and the protocols of kinds, worlds and evaluators.

Nothing in this room has a clock, a file, a socket or a process, and it imports no other room.
"""
