"""Persons with real SSH keys, and the file of allowed signers that lists them."""

import subprocess
from pathlib import Path

from runbook.audit.inbox import put
from runbook.audit.signing import sign
from runbook.audit.store import RunDir
from runbook.drivers.approval_texts import ApprovalWord, RequestText, read
from runbook.model.approval import APPROVE, NAMESPACE

ANA, BEN, CLEO = "ana@example.com", "ben@example.com", "cleo@example.com"


class Persons:
    """Keys in a directory, and who has which of them."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(0o700, exist_ok=True)
        self.directory = directory
        self.signers = directory / "allowed_signers"
        self._listed: list[tuple[str, str, str]] = []

    def key(self, name: str, passphrase: str = "") -> Path:
        """The private key of that file name, made if it is not there."""
        path = self.directory / name
        if not path.exists():
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", str(path)]
            subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
        return path

    def list(self, *persons: str, **keys: str) -> "Persons":
        """List persons, each with a key of the name before the @; ``ben="other"`` lists ben@example.com with another.

        A name may have options behind a space: ``ben@example.com valid-before="20200101"``.
        """
        lines = [(person, self.key(person.partition("@")[0])) for person in persons]
        lines += [(f"{name}@example.com", self.key(key)) for name, key in keys.items()]
        text = "".join(f"{person} {key.with_name(key.name + '.pub').read_text()}" for person, key in lines)
        self.signers.write_text(text)
        self.signers.chmod(0o600)
        return self

    def approval(
        self, request: RequestText, person: str, key: str | None = None, /, *, namespace: str = NAMESPACE, **other: str
    ) -> ApprovalWord:
        """What a person signs to approve a request; ``other`` are parts of the text that are altered before."""
        lines = [line.partition(" ") for line in request.text.splitlines()]
        parts = {name: value for name, _, value in lines}
        parts |= {"approver": person, "decision": APPROVE} | {name.replace("_", "-"): v for name, v in other.items()}
        text = "".join(f"{name} {value}".rstrip() + "\n" for name, value in parts.items())
        signature = sign(text, self.key(key or person.partition("@")[0]), namespace, seconds=10)
        return ApprovalWord(text=text, signature=signature)

    def approve(self, run: RunDir, person: str, key: str | None = None, /, **other: str) -> ApprovalWord:
        """Approve the newest request of a run by its inbox; returns what was signed."""
        word = self.approval(open_request(run), person, key, **other)
        deliver(run, word)
        return word


def deliver(run: RunDir, word: ApprovalWord) -> None:
    """Put an approval into the inbox of a run."""
    put(run, "approval", {"text": word.text, "signature": word.signature})


def open_request(run: RunDir) -> RequestText:
    """The newest request of a run."""
    files = sorted((run.path / "requests").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    return read(files[-1].read_text())
