"""Several programs on one kept connection, and a connection that has ended: what they cost each other."""

import threading
import time
from collections.abc import Callable

import pytest
from tests.world.ssh.conftest import Machine
from tests.world.sshd import Sshd


@pytest.mark.parametrize("transport", ["paramiko"])  # the system's ssh shares as its configuration says
def test_many_threads_share_one_connection_to_a_machine(machine: Machine, sshd: Sshd) -> None:
    before = sshd.log.count("Accepted publickey")
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: results.append(machine.run("echo", str(n)).stdout)) for n in range(30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted(f"{n}\n" for n in range(30))
    assert sshd.log.count("Accepted publickey") == before + 1


@pytest.mark.reliability
@pytest.mark.parametrize("transport", ["paramiko"])  # the system's ssh has a connection of its own for each program
def test_e4_input_that_comes_after_the_end_of_its_program_costs_no_other_program_the_connection(
    machine: Machine,
) -> None:
    """A server ends the connection of whoever sends data for a session that it has closed."""
    from paramiko.common import cMSG_CHANNEL_DATA, cMSG_CHANNEL_EOF
    from paramiko.message import Message

    assert machine.run("true").exit_code == 0
    (kept,) = machine.client._made
    channel = kept.session(10, lambda: None)
    channel.sendall(b"exit 0\n")
    until = time.monotonic() + 10
    while not channel.closed:
        assert time.monotonic() < until
        time.sleep(0.02)  # until the machine has closed it
    for kind in (cMSG_CHANNEL_DATA, cMSG_CHANNEL_EOF):
        late = Message()
        late.add_byte(kind)
        late.add_int(channel.remote_chanid)
        if kind == cMSG_CHANNEL_DATA:
            late.add_string("late")
        kept._transport._send_user_message(late)  # type: ignore[attr-defined] # the stubs leave it out
    ended: list[int | None] = []

    def feed() -> None:
        ended.extend(machine.run("true", stdin=b"x" * 50_000).exit_code for _ in range(15))

    threads = [threading.Thread(target=feed) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == [0] * 90
    assert machine.client._made == [kept]


def test_a_kept_connection_that_ended_meanwhile_is_made_anew(machine: Machine, other: Callable[..., Sshd]) -> None:
    sshd = other()
    there = machine.at("flaky", sshd)
    for _ in range(3):
        assert there.run("echo", "x").stdout == "x\n"
        sshd.drop()
