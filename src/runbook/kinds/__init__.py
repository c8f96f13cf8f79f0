"""The kinds of step, one file each: a frozen dataclass that says what it would do, does it, and judges what it saw.

A kind touches the world only in ``perform``, and only through the :class:`~runbook.model.io.Io` it is given. The
registry is one explicit mapping; a new kind is a file here and a line there.
"""
