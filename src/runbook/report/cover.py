"""The page on top of a bundle: what is in it, how it is checked without this program, and what such a check says."""

from collections.abc import Sequence

from runbook.audit.verdict import Status
from runbook.report.content import Report
from runbook.report.heading import banner, title, unreal
from runbook.report.markup import code, inline

_FILES = (
    ("audit.jsonl", "the log: what was announced, done and seen, one record a line, each chained to the one before"),
    ("runbook/", "the runbook that was walked, byte for byte, named by its SHA-256, which the log holds"),
    ("output/", "what programs wrote, in full and masked; the log holds the SHA-256 of each"),
    ("checkpoints/", "signed heads of the log"),
    ("requests/", "requests for approval that are open; approvals that were given stand in the log, with signatures"),
    ("report.md", "the incident report, made from the log and the runbook alone"),
    ("report.html", "the same for a browser"),
    ("report.json", "the same for programs"),
    ("VERIFY.sh", "checks the log with a POSIX shell and `sha256sum`"),
)
_CHECK = """\
## Check it without the program that wrote it

```sh
sh VERIFY.sh{anchor} --allowed-signers FILE
```

needs a POSIX shell and `sha256sum` (on macOS `shasum`), for signatures `ssh-keygen`, and about a second for 2,000
records. It says whether each record is whole and chained to the one before, whether the end is there, whether the log
is the one of its signed checkpoints, and whether the runbook and the outputs are those that the log names. Without an
anchor or a file of allowed signers that are yours, leave these out: then nobody can know who wrote the log.

| status | means |
|---|---|
| 0 | complete, and its chain is whole: changed it can only be if all of it was written anew |
| 1 | changed after it was written, or cut below the anchor |
| 3 | right, but without an end: still running, crashed, or cut at a line; without an anchor nobody can tell which |
| 4 | only the last line is torn, as by a loss of power |
| 5 | a checkpoint is not signed by whoever walked, as FILE says whose key is whose |
| 6 | another runbook than the one that the log names |
| 7 | unreadable, or of a newer version |
| 2 | the check could not begin |

An anchor is a head of the log that somebody noted at the time, in the ticket for instance; take it from there, and not
from this page: whoever writes a whole log anew can write this page anew too. `VERIFY.sh` came with the log as well;
better run one that you have from elsewhere, on this directory: `sh path/to/VERIFY.sh --anchor N:HASH DIRECTORY`.

What a shell cannot see, and does not say: whether the log is a legal walk of that runbook, with every confirmation and
gate; whether the signatures of approvals are right; whether the reports say what the log says.

## Check it with the program

```sh
runbook verify {archive}{anchor} --allowed-signers FILE
```

walks the runbook again, offline, with the events of the log, judges each verdict anew, verifies signatures with *your*
allowed signers, and makes this page, the script and the reports again to compare them byte for byte.

No check, this one included, says that what a program or a person *said* was true: what a command answered, a note, a
reason. Without a signature or an anchor, none says who wrote the log.
"""


def cover(report: Report, names: Sequence[str], version: str) -> str:
    """The page, in Markdown.

    :param names: the files of the bundle, below its directory.
    :param version: of this program.
    """
    log, run = report.log, report.run
    rows = [("run", run.id), ("log", f"{log.records} records: {log.verdict}"), ("head", log.anchor or "none")]
    rows += [("packed by", f"runbook-walk {version}")]
    there = [(name, said) for name, said in _FILES if any(each.startswith(name) for each in [*names, "VERIFY.sh"])]
    blocks = [
        banner(report),
        f"# {inline(title(report).replace('Incident report', 'Bundle', 1))}",
        unreal(report),
        "\n".join(["| | |", "|---|---|", *(f"| {name} | {inline(value)} |" for name, value in rows)]),
        "" if log.status == Status.VALID else "Each check below will say the same: the log was so when it was packed.",
        "\n".join(["| file | what it is |", "|---|---|", *(f"| {code(name)} | {said} |" for name, said in there)]),
        "Secrets that the run knew are masked in all of it, as they are in the log.",
        _CHECK.format(anchor=" --anchor N:HASH", archive=f"{run.id}.tar.gz"),
    ]
    return "\n\n".join(block.strip("\n") for block in blocks if block) + "\n"
