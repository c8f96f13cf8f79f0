"""Breaks and mends the environment file of the demonstration service: ``faults.py FAULT``, or ``faults.py none``."""

import argparse
import re
import secrets
from pathlib import Path

FILE = Path("build/demo/app.env")
FAULTS = {
    "none": "everything is set",
    "misspelt": "SESSION_SECRET is there under a misspelt name",
    "missing": "SESSION_SECRET is not there",
    "short": "SESSION_SECRET is too short",
    "no_csrf": "CSRF_SECRET is not there",
    "backend": "BACKEND_URL leads nowhere",
    "limit": "the backend refuses: too many requests",
    "database": "everything is set, and the threads are in the PostgreSQL that PGHOST and so on name to the service",
    "lying": "the same, and health says that all is well without having asked the database",
}


def healthy(port: int) -> dict[str, str]:
    """Variables with which everything works."""
    return {
        "BACKEND_URL": f"http://127.0.0.1:{port}",
        "CSRF_SECRET": secrets.token_urlsafe(32),
        "SESSION_SECRET": secrets.token_urlsafe(32),
    }


def broken(variables: dict[str, str], fault: str) -> dict[str, str]:
    """The same variables with one fault in them."""
    match fault:
        case "none":
            return variables
        case "misspelt":
            return {name.replace("SESSION", "SESION"): value for name, value in variables.items()}
        case "missing":
            return {name: value for name, value in variables.items() if name != "SESSION_SECRET"}
        case "short":
            return {**variables, "SESSION_SECRET": secrets.token_urlsafe(9)}
        case "no_csrf":
            return {name: value for name, value in variables.items() if name != "CSRF_SECRET"}
        case "backend":
            return {**variables, "BACKEND_URL": "http://127.0.0.1:9"}
        case "limit":
            return {**variables, "BACKEND_LIMIT": "1"}
        case "database":
            return {**variables, "DATABASE_URL": "postgresql://"}
        case "lying":
            return {**variables, "DATABASE_URL": "postgresql://", "HEALTH_CHECK": "shallow"}
        case _:
            raise ValueError(fault)


def write(file: Path, port: int, fault: str) -> None:
    """Write an environment file for a service at a port of loopback, with one fault in it."""
    variables = broken(healthy(port), fault)
    lines = ["# The variables of the demonstration service", f"# port {port}"]
    file.parent.mkdir(parents=True, exist_ok=True)
    # Renamed into place, so that nobody reads half of it.
    written = file.with_suffix(".new")
    written.write_text("\n".join([*lines, *(f"{name}={value}" for name, value in variables.items()), ""]))
    written.replace(file)


def main() -> None:
    """Write the file of the running service anew, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fault", choices=FAULTS, help="; ".join(f"{name}: {text}" for name, text in FAULTS.items()))
    fault = parser.parse_args().fault
    port = re.search(r"^# port ([0-9]+)$", FILE.read_text(), re.MULTILINE) if FILE.exists() else None
    if port is None:
        parser.error(f"there is no {FILE}: `make run` starts the service that it belongs to")
    write(FILE, int(port[1]), fault)
    print(f"{FILE}: {FAULTS[fault]}; the service takes it up within seconds")


if __name__ == "__main__":
    main()
