"""What a block of code is: commands for a shell, with or without the prompts of a terminal, or something to read."""

import re
from dataclasses import dataclass

_SHELLS = frozenset({
    "bash", "sh", "shell", "zsh", "ksh", "dash", "console", "terminal", "shell-session", "shellsession", "sh-session",
    "bash-session", "shellscript", "shell-script", "commandline", "command-line",
})  # fmt: skip
_NO_LANGUAGE = frozenset({"", "code", "none", "plain", "command", "commands", "cli", "cmdline"})
_PROMPT = re.compile(r"[ \t]*(?:[\w.-]+@[\w.-]+[ :][^$#\n]{0,80}[$#]|\$|%|\[[^\]\n]{1,80}\][$#]) (?=\S)")
_PROGRAM_NAMES = """
    ansible ansible-playbook apt apt-get argocd awk aws az bash brew bundle cat cd cf chmod chown chroot composer
    conda consul cp crictl crontab ctr curl cut date dd df dig dmesg dnf docker docker-compose doctl du echo
    edgectl etcdctl export fdisk find fly flyctl flux free gcloud gem getent gh git gitlab-ctl go gpg grep gsutil
    gunzip gzip head helm heroku hostname htop http influx initctl iostat ip iptables istioctl journalctl jq
    kafka-topics kill killall kinit knife kubectl kubectx kustomize ldapsearch less linkerd ln logger ls lsblk
    lsof make mkdir mongo mongosh mount mv mysql mysqldump nc netstat nft nginx node nohup nomad npm npx nslookup
    oc openssl passwd pg_dump pg_restore pg_ctl php ping pip pip3 pkill pnpm podman prisma promtool ps psql pulumi
    python python3 railway rails rake redis-cli rm rmdir rsync ruby salt scp screen sed service sftp shutdown
    skopeo sleep source split ss ssh ssh-keygen ss-tunnel strace sudo supabase supervisorctl swapoff swapon sysctl
    systemctl tail tar tcpdump tee telnet terraform thanos timeout tmux top touch traceroute umount unzip uptime
    useradd vault vercel vi vim virsh virtctl watch wc wget which xargs yarn yum zcat zip
"""
_PROGRAMS = frozenset(_PROGRAM_NAMES.split())
_ASSIGNMENT = re.compile(r"(?:[A-Za-z_]\w*=(?:\"[^\"]*\"|'[^']*'|\$\([^)]*\)|[^\s;|&]*)\s+)+")
_ITEM = re.compile(r"^[ \t]*(?:[0-9]+[.)]|[-*•→✅])[ \t]+\w.*$", re.MULTILINE)
_FIRST_WORD = re.compile(r"(?:time |exec )?([\w./~+-]+)(?=[ \t;|&]|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """Commands that a shell could run: ``text`` is what it would be given. ``whole`` if that is all of the code."""

    text: str
    whole: bool


def commands_in(code: str, info: str) -> Commands | None:
    """The commands that a block of code is made of; None where it is something to read.

    :param info: what stands behind the fence.
    """
    language = re.split(r"[\s,{(]", info.lower().lstrip("{. "), maxsplit=1)[0].rstrip("}")
    if not code.strip() or language not in _SHELLS | _NO_LANGUAGE:
        return None
    session = _without_prompts(code)
    if session is not None:
        return Commands(text=session, whole=False)
    if language in _SHELLS or _looks_like_commands(code):
        return Commands(text=code, whole=True)
    return None


def no_command_in(script: str) -> str:
    """The first line of a script that reads as an item of a list, and so is no command; empty if there is none."""
    found = _ITEM.search(script)
    return found[0].strip()[:40] if found else ""


def _without_prompts(code: str) -> str | None:
    """What was typed in a session: lines behind a prompt, with those that go on; None if it is no session."""
    lines = code.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if not _PROMPT.match(first):
        return None
    typed: list[str] = []
    going_on = False
    for line in lines:
        prompt = _PROMPT.match(line)
        if prompt:
            typed.append(line[prompt.end() :])
        elif going_on:
            typed.append(line)
        else:
            continue
        going_on = typed[-1].endswith("\\")
    return "\n".join(typed) + "\n"


def _looks_like_commands(code: str) -> bool:
    """Whether code of no known language begins, and goes on, as commands do."""
    lines = [line.strip() for line in code.replace("\\\n", " ").split("\n")]
    lines = [line for line in lines if line and not line.startswith("#")]
    return bool(lines) and _is_command(lines[0])


def _is_command(line: str) -> bool:
    line = _ASSIGNMENT.sub("", line, count=1)
    word = _FIRST_WORD.match(line)
    if word is None:
        return False
    name, rest = word[1].rpartition("/")[2], line[word.end() :]
    if word[1].startswith(("./", "~/", "/")) and " " not in word[1]:
        return bool(rest) or word[1].startswith("./") or word[1].endswith((".sh", ".py"))
    prose = re.match(r"\s+(?:is|are|was|the|a|an|to|of|and|for|that)\b", rest)
    return not prose and (name in _PROGRAMS or bool(re.search(r"\s--?[a-zA-Z][\w-]*", rest) and name.islower()))
