"""An ``ssh`` step on 100 machines, 32 at once: the first, which connects, and the second, over the kept connections.

Both are measured twice: the steps alone, and as a walk has them, with ``for_each`` and every record of every machine on
disk. One sshd on loopback poses as all machines. It offers one key exchange and one cipher, so that both clients do the
same work.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from tests.world.sshd import Home, Sshd, running

from _measure import row
from runbook.kinds.ssh import Ssh
from runbook.world.real import RealWorld
from runbook.world.secrets import SecretStore

MACHINES = 100
AT_ONCE = 32
ROUNDS = 5
NAMES = [f"web{number}" for number in range(1, MACHINES + 1)]


def known(home: Home, sshd: Sshd) -> None:
    """Make all machines known under their names."""
    home.let_in(sshd)
    for number, name in enumerate(NAMES):
        home.call(name, sshd, sshd.addresses[number % len(sshd.addresses)], HostKeyAlias=name)
        home.know(name, sshd.key)


def timed(work: Callable[[], object]) -> float:
    """The seconds that a work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


STEP = """\
  - id: {name}
    kind: ssh
    effect: none
    host: ${{{{ item }}}}
    argv: ["true"]
    for_each: {{in: environment.hosts, at_once: {at_once}}}
"""


def walked(folder: Path) -> tuple[float, float]:
    """The seconds that two steps with ``for_each`` take, one after the other, in one walk."""
    steps = "".join(STEP.format(name=name, at_once=AT_ONCE) for name in ("first", "second"))
    head = f"runbook: v1\nid: bench\ntitle: Bench\nenvironments:\n  all: {{hosts: {json.dumps(NAMES)}}}\nsteps:\n"
    end = "  - {id: done, kind: finish, outcome: resolved}\n"
    (folder / "book.yaml").write_text(head + steps + end)
    (folder / "answers.yaml").write_text("answers: []\n")
    state = folder / "state"
    options = ["-e", "all", "--answers", "answers.yaml", "--run-id", "r", "--state-dir", str(state)]
    command = [str(Path(sys.executable).with_name("runbook")), "run", "book.yaml", *options]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    told = [json.loads(line) for line in (state / "runs" / "r" / "audit.jsonl").read_text().splitlines()]
    shutil.rmtree(state)
    at = {(record["type"], record.get("step")): record["mono"] / 1000 for record in told}
    first, second = (at["step.finished", name] - at["step.started", name] for name in ("first", "second"))
    return first, second


def main() -> None:
    """Measure and print."""
    os.environ.pop("SSH_AUTH_SOCK", None)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(
            Path(folder, "sshd"),
            "Ciphers aes128-gcm@openssh.com",
            addresses=[f"127.0.0.{number}" for number in range(1, 17)],  # sshd listens on no more
        ) as sshd,
    ):
        home = Home(Path(folder, "home"))
        known(home, sshd)
        os.environ["HOME"] = str(home.place)
        names = ("xargs", "first", "second", "first in a walk", "second in a walk")
        taken: dict[str, list[float]] = {name: [] for name in names}

        def xargs() -> None:
            command = ["xargs", f"-P{AT_ONCE}", "-I{}", "ssh", *home.options, "-oBatchMode=yes", "{}", "true"]
            subprocess.run(command, input="\n".join(NAMES), text=True, check=True)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            for number in range(ROUNDS + 1):
                world = RealWorld(secrets=SecretStore({}, register=lambda *_: None), output=lambda *_: None)

                def step(name: str, world: RealWorld = world) -> None:
                    assert world.perform("step", Ssh(host=name, argv=["true"]), 60_000)["exit_code"] == 0

                def all_machines(step: Callable[[str], None] = step) -> None:
                    list(pool.map(step, NAMES))

                now = {"xargs": timed(xargs), "first": timed(all_machines), "second": timed(all_machines)}
                world.close()
                now["first in a walk"], now["second in a walk"] = walked(Path(folder))
                if number:
                    for name, seconds in now.items():
                        taken[name].append(seconds)
    median = {name: statistics.median(times) for name, times in taken.items()}
    work = f"{MACHINES} machines, {AT_ONCE} at once"
    row(f"first ssh step, {work}", "xargs -P32 ssh", ours=median["first"] / median["xargs"], bar=1.2)
    unit = "x the first, at least"
    row(f"second ssh step, {work}", unit, ours=median["first"] / median["second"], bar=4)
    first, second = median["first in a walk"], median["second in a walk"]
    row(f"first ssh step with for_each, {work}", "xargs -P32 ssh", ours=first / median["xargs"], bar=1.2)
    row(f"second ssh step with for_each, {work}", unit, ours=first / second, bar=4)


if __name__ == "__main__":
    main()
