"""The demonstration: start a small service, break it, walk a runbook against it, stop it, say what is left.

``run.py [RUNBOOK]`` walks ``runbooks/RUNBOOK.yaml``. In a terminal a person walks. Without one the committed answers in
``examples/demo/answers/`` are given, and the fault is mended as soon as the walk asks for it.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import faults

ROOT = Path(__file__).resolve().parents[2]
HERE = Path("examples") / "demo"
STATE = Path("build") / "demo" / "state"
RUNBOOKS = {
    "app_not_loading": ("misspelt", "fix_env"),
    "auth_not_working": ("no_csrf", "fix_secrets"),
    "database_connection": ("backend", "fix_url"),
}
"""For each runbook the fault that it is for, and the step that asks a person to mend it."""
TOOL = str(Path(sys.executable).with_name("runbook"))


@contextmanager
def service(fault: str, delay: str) -> Iterator[int]:
    """The service, with a fault, on a free port of loopback; gone afterwards whatever happens."""
    command = [sys.executable, str(HERE / "service.py"), str(faults.FILE), "--delay", delay, "--tied"]
    # A session of its own: Ctrl-C is for the walk, which still talks to the service then.
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True) as process:
        try:
            port = int(process.stdout.readline()) if process.stdout else 0
            faults.write(faults.FILE, port, fault)
            yield port
        finally:
            process.terminate()


def mend_when_asked(log: Path, step: str, port: int, done: threading.Event) -> None:
    """Mend the fault as soon as the log says that the walk has come to the step that asks for it."""
    asked = f'"type":"step.entered","step":"{step}"'
    while not done.wait(0.1):
        if log.exists() and asked in log.read_text():
            faults.write(faults.FILE, port, "none")
            return


def walk(command: list[str]) -> int:
    """Run a command in the foreground; a signal that ends us ends it first, and Ctrl-C is its own affair."""
    with subprocess.Popen(command) as process:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda got, _: process.send_signal(got))
        return process.wait()


def end_former() -> None:
    """End what was left in the middle: its service is gone, and it would keep the lock of its runbook for ever."""
    listed = subprocess.run([TOOL, "runs", "--format", "json"], capture_output=True, text=True, check=False)
    for run in json.loads(listed.stdout)["runs"] if listed.returncode == 0 else ():
        if run["state"] in {"paused", "interrupted"}:
            command = [TOOL, "abort", run["run"], "--reason", "the service of its demonstration is gone"]
            subprocess.run(command, capture_output=True, check=False)


def say(text: str) -> None:
    """Print a sentence, wrapped between words."""
    print(textwrap.fill(text, shutil.get_terminal_size().columns, break_long_words=False, break_on_hyphens=False))


def tell(run: str, status: int) -> None:
    """Say what is left of a run that began."""
    report, log = STATE.parent / f"{run}.md", STATE / "runs" / run / "audit.jsonl"
    paused = status in {3, 130}
    print("\nThe service is stopped.")
    if not log.exists():
        return
    if paused:
        say("A pause loses nothing, but this service does not come back: begin anew with `make run`.")
        print(f"  the log     {log}")
        print(f"  look at it  export RUNBOOK_STATE_DIR={STATE}; {os.path.relpath(TOOL)} status {run}")
        return
    print(f"  the log     {log}")
    # A run that ended otherwise than well has a report too, and says so by its status.
    subprocess.run([TOOL, "report", run, "-o", str(report)], check=False)
    if report.exists():
        print(f"  the report  {report}")
    print(f"  once more   export RUNBOOK_STATE_DIR={STATE}; {os.path.relpath(TOOL)} verify {run}")


def main() -> int:
    """Demonstrate, and end as the walk ended; to a person who walked it, a pause or another end is no error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runbook", choices=RUNBOOKS, nargs="?", default="app_not_loading")
    parser.add_argument("--delay", default="4", help="seconds until the service takes up what was mended")
    options = parser.parse_args()
    runbook = options.runbook
    fault, mended_in = RUNBOOKS[runbook]
    os.chdir(ROOT)
    os.environ["RUNBOOK_STATE_DIR"] = str(STATE)
    # Not ignored, which children would inherit: handled by doing nothing.
    signal.signal(signal.SIGINT, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _: sys.exit(128 + got))

    run = f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    command = [TOOL, "run", f"runbooks/{runbook}.yaml", "-e", "demo", "--run-id", run]
    done = threading.Event()
    if STATE.exists():
        end_former()
    with service(fault, options.delay) as port:
        say(f"A small web application listens on http://127.0.0.1:{port}/ and is broken.")
        command += ["-i", f"port=:{port}"]
        if person := sys.stdin.isatty() and sys.stdout.isatty():
            say("Walk the runbook. When it asks you to mend something, a second terminal in this folder helps.")
        else:
            say("There is no terminal: the walk is given the answers in examples/demo/answers/.")
            command += ["--answers", str(HERE / "answers" / f"{runbook}.yaml")]
            log = STATE / "runs" / run / "audit.jsonl"
            threading.Thread(target=mend_when_asked, args=(log, mended_in, port, done), daemon=True).start()
        print(flush=True)
        status = walk(command)
        done.set()
    tell(run, status)
    return 0 if person and status in {1, 3} else status


if __name__ == "__main__":
    sys.exit(main())
