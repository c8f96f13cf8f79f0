"""The provider ``releases``: directories and a symbolic link, as two scripts for any POSIX shell, Linux or macOS.

``DIRECTORY/releases/NAME`` is a release, and ``DIRECTORY/current`` is a symbolic link to the one that serves. A file
``REVISION`` in a release holds the commit in its first line and, if there is one, the author in its second; whoever
unpacks a release writes it last, so that a release without it is known not to be complete. The link is replaced by one
``rename``: whoever looks finds the former release or the new one, and never none.
"""

LIST = r"""
cd -- "$1" || exit
text() { LC_ALL=C tr -d '\000-\037\177' | sed 's/\\/\\\\/g; s/"/\\"/g'; }
serves=
[ -L current ] && serves=$(readlink current)
printf '{"current": "%s", "releases": [' "$(printf %s "${serves##*/}" | text)"
comma=
for place in releases/*/; do
  place=${place%/}
  [ -d "$place" ] && [ ! -L "$place" ] || continue
  made=$(stat -c %Y -- "$place" 2>/dev/null || stat -f %m -- "$place") || exit
  complete=false commit= author=
  if [ -f "$place/REVISION" ]; then
    complete=true
    commit=$(sed -n 1p "$place/REVISION" | text)
    author=$(sed -n 2p "$place/REVISION" | text)
  fi
  printf '%s\n{"name": "%s", "made": %s, ' "$comma" "$(printf %s "${place#releases/}" | text)" "$made"
  printf '"complete": %s, "commit": "%s", "author": "%s"}' "$complete" "$commit" "$author"
  comma=,
done
printf ']}\n'
"""
"""Prints the releases below ``$1`` and which one serves, as JSON."""

ACTIVATE = r"""
cd -- "$1" || exit
[ -d "releases/$2" ] || { printf '%s is no release\n' "$2" >&2; exit 1; }
[ -L current ] || [ ! -e current ] || { echo 'current is no symbolic link' >&2; exit 1; }
new=.current.$$
trap 'rm -f -- "$new"' EXIT
ln -sfn -- "releases/$2" "$new" || exit
case $(uname) in
  Darwin | *BSD) mv -fh -- "$new" current ;;
  *) mv -fT -- "$new" current ;;
esac
"""
"""Makes ``releases/$2`` below ``$1`` the one that serves."""
