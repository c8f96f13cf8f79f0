"""What the words of a command line say for certain: that it changes something, runs a text as code, shows a value.

Only what nobody would dispute is in the tables, for whoever is warned for nothing stops reading warnings. A program
that is not here is not judged at all.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise

from runbook.language.shell_words import commands


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh", "ash"})
_CODE_FLAGS: Mapping[str, re.Pattern[str]] = {
    **dict.fromkeys(SHELLS, re.compile(r"-[a-zA-Z]*c")),
    **dict.fromkeys(("python", "python3"), re.compile(r"-[a-zA-Z]*c")),
    **dict.fromkeys(("perl", "ruby"), re.compile(r"-[a-zA-Z]*[eE]")),
    "node": re.compile(r"-[ep]|--eval|--print"),
    "php": re.compile(r"-r"),
}
"""By what flag a program is told to run the argument behind it."""
_NAMED_OPTION = re.compile(r"[-+][a-zA-Z]*[oO]")
"""A flag of a shell with the name of an option behind it: ``-o pipefail``."""
_PREFIXES = frozenset({"sudo", "doas", "exec", "command", "nohup", "time", "env"})
_BUILTINS = _set(
    ". : [ [[ alias case cd declare echo eval exit export false for function getopts let local printf pwd read "
    "readonly return select set shift source test trap true type typeset ulimit umask unset wait"
)
_FILES = frozenset({"rm", "rmdir", "unlink", "shred", "mv", "truncate", "chmod", "chown"})
_ALWAYS = _FILES | _set(
    "reboot shutdown halt poweroff kill pkill killall dropdb createdb dropuser createuser useradd userdel usermod"
)
_CHANGES: Mapping[str, frozenset[str]] = {
    "kubectl": _set(
        "delete apply create replace patch scale drain cordon uncordon taint edit set expose rollout/undo "
        "rollout/restart rollout/pause rollout/resume"
    ),
    "systemctl": _set(
        "start stop restart reload try-restart reload-or-restart enable disable mask unmask kill isolate"
    ),
    "service": frozenset({"start", "stop", "restart", "reload"}),
    "docker": _set(
        "rm rmi stop kill restart start pause unpause compose/down compose/restart compose/stop compose/up compose/rm "
        "system/prune volume/rm volume/prune container/rm container/prune image/prune"
    ),
    "helm": frozenset({"install", "upgrade", "uninstall", "rollback"}),
    "terraform": frozenset({"apply", "destroy", "import"}),
    "git": frozenset({"push"}),
    "gcloud": frozenset({"delete", "deploy", "update", "update-traffic"}),
    "aws": frozenset({"s3/rm", "s3/mv", "s3/rb", "s3/mb", "s3/sync"}),
    "vercel": frozenset({"rollback", "promote", "remove", "rm", "redeploy"}),
    "redis-cli": frozenset({"flushall", "flushdb", "FLUSHALL", "FLUSHDB"}),
}
"""What changes something: a subcommand, or two that follow each other."""
_LOOKS = _set(
    "get describe logs top version explain auth config wait diff events cluster-info status is-active is-enabled show "
    "list list-units cat ps images inspect exec run info stats history template search repo plan validate output state "
    "fetch log ls-remote clone help"
)
"""Subcommands that only look, or of which nobody knows: what stands behind one is its argument."""
_RECURSIVE = re.compile(r"-[a-zA-Z]*[rR][a-zA-Z]*|--recursive")
_AWS = re.compile(r"(?:delete|terminate|put|create|update|modify|stop|start|reboot)-")
_SQL_CLIENTS: Mapping[str, frozenset[str]] = {
    "psql": frozenset({"-c", "--command"}),
    **dict.fromkeys(("mysql", "mariadb"), frozenset({"-e", "--execute"})),
}
_WRITES = _set("insert update delete drop truncate alter create grant revoke merge replace reindex")
_METHOD = re.compile(r"(?:^| )(?:-X ?|--request[= ])(PUT|PATCH|DELETE)(?= |$)")
_NAMES = _ALWAYS | _CHANGES.keys() | _SQL_CLIENTS.keys() | {"curl", "podman", "tofu"}
_DEEDS = _ALWAYS | {part for deeds in _CHANGES.values() for deed in deeds for part in deed.split("/")}
_DEEDS |= {"aws", *_SQL_CLIENTS, "PUT", "PATCH", "DELETE", "XPUT", "XPATCH", "XDELETE", "image", "resources"}
_DEEDS -= {"set"}  # `set -e` stands in every second script; what `kubectl set` sets is there instead
"""What a script has to say, beside the name of a program, if it changes something."""
_WORD = re.compile(r"\w[\w-]*")
_SECRET_FLAG = re.compile(
    r"--?(?:(?:[a-z]+-)*(?:password|passwd)|api-?key|(?:auth-|access-|bearer-)?token)", re.IGNORECASE
)
"""Flags that are followed by a secret whatever the program; the tokens of many a program are mere names."""
_SECRET_WORD = re.compile(r"passw|api-?key|token|curl|secret_access_key", re.IGNORECASE)
_SECRET_SET = re.compile(
    r"^(?![ \t]*#)(?:.*[ \t;&|(])?[a-z_]*(?:password|passwd|secret_access_key)="
    r"['\"]?(?![`$'\"]|(?:true|false)\b)([^\s'\";&|)]+)",
    re.IGNORECASE | re.MULTILINE,
)
"""A variable that is set to a password."""
_NO_SECRET = re.compile(r"[$<*@%{/-]|[A-Z_]+$|.{0,3}$")


def code_among(argv: Sequence[str]) -> tuple[str, int] | None:
    """The shell or interpreter among these words that runs an argument as code, and the place of that argument."""
    for place, word in enumerate(argv):
        flag = _CODE_FLAGS.get(_base(word))
        following = place + 1
        while flag and following + 1 < len(argv) and argv[following].startswith(("-", "+")):
            if flag.fullmatch(argv[following]):
                return _base(word), following + 1
            following += 2 if _NAMED_OPTION.fullmatch(argv[following]) else 1
    return None


def change_of(argv: Sequence[str]) -> str | None:
    """The words that surely change something, such as ``kubectl delete``; None if none do."""
    words = list(argv)
    while words and (_base(words[0]) in _PREFIXES or words[0].startswith("-") or "=" in words[0]):
        words.pop(0)
    if not words or any(word == "--help" or word.startswith("--dry-run") for word in words):
        return None
    name, rest = _base(words[0]), words[1:]
    if name in _ALWAYS:
        return name
    if name == "curl":
        return _request(rest)
    if name in _SQL_CLIENTS:
        return _through(name, rest)
    return _subcommand(name, rest)


def changes_of(script: str) -> Iterator[tuple[str, int]]:
    """What the commands of a script surely change, each with where it stands; what it makes for itself is its own."""
    said = set(_WORD.findall(script))
    if not said & _NAMES or not said & _DEEDS:
        return  # which most scripts need not be read for
    scratch = "mktemp" in script
    for words in commands(script):
        line = [word.text for word in words]
        found = change_of(line)
        if found is None or found == "kill" or (found in _FILES and (scratch or not _lasting(found, line))):
            continue
        yield found, words[0].offset


def writes(statement: str) -> bool:
    """Whether an SQL statement that begins with this word changes something."""
    return statement.lower() in _WRITES


def shown_by(script: str, names: Collection[str]) -> Iterator[tuple[str, str, int]]:
    """The variables that a script gives to programs as arguments: the variable, the program, the place."""
    own = set(re.findall(r"^[ \t]*(?:function[ \t]+)?([\w-]+)[ \t]*\(\)", script, re.MULTILINE))
    variable = re.compile(r"\$(?:\{)?(" + "|".join(map(re.escape, sorted(names))) + r")(?![A-Za-z0-9_]|:?\+)")
    for words in commands(script):
        name = words[0].text
        if name in _BUILTINS or name in own or not re.match(r"[\w./]", name):
            continue
        for word in words[1:]:
            for found in variable.finditer(_without_single_quotes(word.raw)):
                yield found[1], _base(name), word.offset + found.start()


def password_among(argv: Sequence[str]) -> int | None:
    """The place of an argument that is, or ends with, a password written out."""
    if not any(word.startswith("-") for word in argv):
        return None
    client = next((_base(word) for word in argv if word not in _PREFIXES), "")
    for place, word in enumerate(argv):
        flag, equals, value = word.partition("=")
        following = argv[place + 1] if place + 1 < len(argv) else ""
        if _SECRET_FLAG.fullmatch(flag) and not _NO_SECRET.match(value if equals else following):
            return place if equals else place + 1
        if client == "curl" and word in {"-u", "--user"} and not _NO_SECRET.match(following.partition(":")[2]):
            return place + 1
    return None


def password_in(script: str) -> int | None:
    """Where a password stands that is written out in a script: a variable's value, or an argument of a command."""
    if not _SECRET_WORD.search(script):
        return None
    for found in _SECRET_SET.finditer(script):
        if not _NO_SECRET.match(found[1]):
            return found.start(1)
    for words in commands(script):
        place = password_among([word.text for word in words])
        if place is not None:
            return words[place].offset
    return None


def _base(word: str) -> str:
    return word.rpartition("/")[2]


def _lasting(name: str, line: Sequence[str]) -> bool:
    """Whether a command of a script surely changes files that were there before the script."""
    rest = line[[_base(word) for word in line].index(name) + 1 :]
    if any("tmp" in word.lower() for word in rest):
        return False
    recursive = name == "rm" and any(_RECURSIVE.fullmatch(word) for word in rest)
    return recursive or any(word.startswith(("/", "~")) for word in rest)


def _request(rest: Sequence[str]) -> str | None:
    """The method of a request that `curl` makes, if it is one that changes something."""
    found = _METHOD.search(" ".join(rest))
    return f"curl -X {found[1]}" if found else None


def _through(name: str, rest: Sequence[str]) -> str | None:
    """What an SQL client is told to do on its command line."""
    for flag, text in pairwise(rest):
        first = text.split(None, 1)[0] if text.split() else ""
        if flag in _SQL_CLIENTS[name] and writes(first):
            return f"{name} {flag} {first.upper()}"
    return None


def _subcommand(name: str, rest: Sequence[str]) -> str | None:
    changing = _CHANGES.get({"podman": "docker", "tofu": "terraform"}.get(name, name))
    if changing is None:
        return None
    plain = [word for word in rest if not word.startswith("-")]
    for word, following in zip(plain, [*plain[1:], ""], strict=True):
        if word in changing or (name == "aws" and _AWS.match(word)):
            return f"{name} {word}"
        if f"{word}/{following}" in changing:
            return f"{name} {word} {following}"
        if word in _LOOKS and (name != "gcloud" or word in {"list", "describe"}):  # `gcloud run` is a service
            return None
    return None


def _without_single_quotes(raw: str) -> str:
    r"""A word of a script with blanks for what stands in single quotes or behind ``\``: nothing is put in there."""
    return re.sub(
        r"""("(?:\\.|[^"\\])*")|'[^']*'|\\.""",
        lambda found: re.sub(r"\\.", "  ", found[1]) if found[1] else " " * len(found[0]),
        raw,
        flags=re.DOTALL,
    )
