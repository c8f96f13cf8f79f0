"""Whether a directory may hold a store: ours alone, on this machine's own disk, of a format we know.

Whoever can write into the store can write logs; so a directory that others can write to, or that belongs to somebody
else, is refused with what to do about it. The exception is a store that a group shares, made as one: its root and its
``runs`` are 2770, so that what is made in it belongs to the group, and each run is 2750 with files of 0640; only its
inbox is 3770, so that all of them can tell a run something. A network file system is refused because its locks and its
fsync do not keep what the log promises.
"""

import grp
import os
import stat
from pathlib import Path

from runbook.audit.plain_file import is_shared, new_file, open_plain
from runbook.model.diagnostics import Code, Diagnostic, Refused

FORMAT = 1
"""The format of a store that this version writes; it stands in the file ``format``."""
NETWORK = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "lustre", "gpfs", "beegfs", "davfs"),
        *("fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.davfs", "fuse.rclone", "fuse.cephfs", "fuse.ceph"),
    },
)
"""Types of file systems whose disk is on another machine, as the kernel names them."""

UNSAFE = Code(
    number="RB530",
    title="unsafe state directory",
    why="The state directory holds the logs. If others can write to it, or it belongs to somebody else, they can"
    " replace a log while a run writes it. It has to be a directory of the user who runs, writable by nobody else, or"
    " one that `runbook state init` made for a group of which the user is a member.",
)
NEWER_STORE = Code(
    number="RB531",
    title="state directory of another format",
    why="A newer version has written this state directory, and arranged it in a way that this version does not know.",
)
REMOTE = Code(
    number="RB532",
    title="state directory on a network file system",
    why="Two machines that share a directory do not reliably see each other's locks, and an fsync over the network can"
    " report success for what is lost. A log has to be on a disk of the machine that writes it.",
)
UNUSABLE = Code(
    number="RB533",
    title="unusable state directory",
    why="The state directory cannot be made, read or written: a permission is missing, the disk is full or mounted"
    " read-only, or a file stands in its place.",
)
_OF_A_GROUP = stat.S_ISGID | stat.S_IWGRP
ANOTHER = "choose another with --state-dir or $RUNBOOK_STATE_DIR"


def refusal(code: Code, message: str, path: Path | None, help_: str) -> Refused:
    """What is raised when something in or about a store will not do."""
    return Refused(Diagnostic(code=code, message=message, file=None if path is None else str(path), help=help_))


def unusable(path: Path, error: OSError) -> Refused:
    """What is raised when the system refuses an operation on a path of the store."""
    why = (error.strerror or str(error)).lower()
    return refusal(UNUSABLE, f"the state directory cannot be used: {why}", path, ANOTHER)


def make_directory(path: Path, mode: int | None = None) -> None:
    """Make one directory, whatever the umask is; its parent must exist.

    :param mode: None: 0700, and 2750 in a store that a group shares.
    :raises FileExistsError: if there is something of that name.
    """
    if mode is None:
        mode = 0o2750 if is_shared(path.parent) else 0o700
    path.mkdir(0o700)
    path.chmod(mode)


def make_private(path: Path) -> None:
    """Make a directory and the missing ones above it, each 0700, and put the new names on disk.

    :raises OSError: if one cannot be made.
    """
    missing = [each for each in (path, *path.parents) if not each.exists()]
    for each in reversed(missing):
        try:
            make_directory(each, 0o700)
        except FileExistsError:
            continue  # another run began at the same moment
        sync_directory(each.parent)


def sync_directory(path: Path) -> None:
    """Put the names in a directory on disk.

    :raises OSError: if that fails.
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def group_of(root: Path) -> str | None:
    """The group that shares the store in a directory; None if none does.

    :raises OSError: if it cannot be looked at.
    """
    found = root.lstat()
    if found.st_mode & _OF_A_GROUP != _OF_A_GROUP:
        return None
    try:
        return grp.getgrgid(found.st_gid).gr_name
    except KeyError:
        return str(found.st_gid)


def make_shared(root: Path, group: str) -> None:
    """Make a directory that is not there, or empty, into one that the members of a group share.

    :raises Refused: if there is no such group, or something stands there.
    :raises OSError: if it cannot be made.
    """
    try:
        number = int(group) if group.isascii() and group.isdecimal() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise refusal(UNSAFE, f"there is no group `{group}`", None, "`getent group` lists the groups") from None
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        help_ = "name a directory that is not there yet"
        raise refusal(UNUSABLE, "something stands where the shared store should be", root, help_)
    make_private(root)
    for path in (root, root / "runs", root / "locks"):
        path.mkdir(0o700, exist_ok=True)
        os.chown(path, -1, number)
        path.chmod(0o2770)
    if group_of(root) is None:  # chmod(2) drops the bit for who is no member
        raise refusal(UNSAFE, f"user {os.geteuid()} is no member of `{group}`", root, "have a member of it do this")
    sync_directory(root)
    write_format(root)


def check_directory(path: Path) -> None:
    """Refuse what is no directory, neither ours nor our group's, or writable by everybody; a link is not followed.

    :raises Refused: saying which, and what to do.
    """
    try:
        found = path.lstat()
    except OSError as error:
        raise unusable(path, error) from None
    if not stat.S_ISDIR(found.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "not a directory"
        raise refusal(UNSAFE, f"the state directory is {kind}", path, ANOTHER)
    shared = found.st_mode & _OF_A_GROUP == _OF_A_GROUP
    if shared and found.st_uid != os.geteuid() and found.st_gid not in {os.getegid(), *os.getgroups()}:
        message = f"the state directory is shared by group {found.st_gid}, and user {os.geteuid()} is no member of it"
        raise refusal(UNSAFE, message, path, ANOTHER)
    if not shared and found.st_uid != os.geteuid():
        message = f"the state directory belongs to user {found.st_uid}, and this is user {os.geteuid()}"
        raise refusal(UNSAFE, message, path, ANOTHER)
    if found.st_mode & stat.S_IWOTH:
        raise refusal(UNSAFE, "everybody can write to the state directory", path, f"chmod o-w {path}")


def check_local(path: Path, mounts: str) -> None:
    """Refuse a network file system.

    :param path: absolute, without symbolic links.
    :param mounts: the mount table, as Linux shows it in ``/proc/self/mountinfo`` (proc(5)); empty where there is none.
    :raises Refused: if the path is on one.
    """
    type_, longest = "", -1
    for line in filter(None, mounts.splitlines()):
        front, _, back = line.partition(" - ")
        point = front.split(" ")[4].encode().decode("unicode_escape").encode("latin-1").decode(errors="replace")
        if path.is_relative_to(point) and len(point) >= longest:
            type_, longest = back.split(" ")[0], len(point)
    if type_ in NETWORK:
        help_ = "choose a directory on a disk of this machine with --state-dir"
        raise refusal(REMOTE, f"the state directory is on a network file system ({type_})", path, help_)


def mount_table() -> str:
    """This machine's mount table, empty where there is no such file (macOS: not checked there)."""
    try:
        return Path("/proc/self/mountinfo").read_text(errors="replace")
    except OSError:
        return ""


def check_format(root: Path) -> bool:
    """Whether a directory says that it is a store of our format; false if it says nothing.

    An empty file says nothing: whoever made it was killed before the first word, or has not come to it yet.

    :raises Refused: if it is of another.
    """
    path = root / "format"
    try:
        with open_plain(path) as file:
            text = file.read(64).decode(errors="replace").strip()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unusable(path, error) from None
    if not text:
        return False
    if text != str(FORMAT):
        message = f"the state directory is of format {text[:20]!a}, and this program knows format {FORMAT}"
        raise refusal(NEWER_STORE, message, root, "use a newer runbook-walk, or choose another with --state-dir")
    return True


def write_format(root: Path) -> None:
    """Write which format a new store has.

    :raises OSError: if that fails.
    """
    with new_file(root / "format", replace=True) as file:
        file.write(f"{FORMAT}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    sync_directory(root)
