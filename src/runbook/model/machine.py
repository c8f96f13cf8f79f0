"""What may name another machine: nothing that ssh, or a shell, could take for an option or a command."""

_USER = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*\$?@"
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_IPV6 = r"(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f.]*(?:%[A-Za-z0-9_][A-Za-z0-9_.-]*)?"

HOST = rf"(?:{_USER})?(?:{_NAME}|{_IPV6})"
"""``HOST`` or ``USER@HOST``, the whole text: a name, an alias, an IPv4 address, an IPv6 address (RFC 4007 zone too)."""

HOST_AS_WRITTEN = rf"^{HOST}$(?!\n)|\$\{{\{{"
"""The same for a text of a file, to be searched for; one with ``${{ }}`` in it is looked at when that is filled in."""
