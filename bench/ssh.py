"""An ``ssh`` step on 100 machines, 32 at once: the first, which connects, and the second, over the kept connections.

One sshd on loopback poses as all machines. It offers one key exchange and one cipher, so that both clients do the same
work.
"""

import os
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
        taken: dict[str, list[float]] = {"xargs": [], "first": [], "second": []}

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
                if number:
                    for name, seconds in now.items():
                        taken[name].append(seconds)
    median = {name: statistics.median(times) for name, times in taken.items()}
    work = f"{MACHINES} machines, {AT_ONCE} at once"
    row(f"first ssh step, {work}", "xargs -P32 ssh", ours=median["first"] / median["xargs"], bar=1.2)
    unit = "x the first, at least"
    row(f"second ssh step, {work}", unit, ours=median["first"] / median["second"], bar=4)


if __name__ == "__main__":
    main()
