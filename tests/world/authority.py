"""A small certificate authority for tests, made on the spot with `openssl`."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

HERE = "IP:127.0.0.1,DNS:localhost"
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-config", "config")
_CONFIG = (
    "[ca]\ndefault_ca=own\n[own]\ndatabase=index\nnew_certs_dir=.\ndefault_md=sha256\npolicy=any\n"
    "rand_serial=yes\nunique_subject=no\ncopy_extensions=copy\n[any]\ncommonName=supplied\n"
    "[req]\ndistinguished_name=name\nx509_extensions=authority\n[name]\n"
    "[authority]\nbasicConstraints=critical,CA:true\nsubjectKeyIdentifier=hash\n"
)


class Authority:
    """An authority that keeps its files in a directory; ``file`` is what trusts it."""

    def __init__(self, home: Path) -> None:
        """Make one; without `openssl` the test is skipped."""
        if shutil.which("openssl") is None:
            pytest.skip("no `openssl` on this machine; `apt-get install openssl` enables this test")
        self.home = home
        self.file = home / "ca.pem"
        (home / "index").touch()
        (home / "config").write_text(_CONFIG)
        subject = ("-subj", "/CN=test authority", "-days", "99")
        self._openssl("req", "-x509", *_KEY, "-keyout", "ca.key", "-out", "ca.pem", *subject)

    def signed(self, name: str, begin: float, end: float, names: str = HERE) -> Path:
        """A certificate with its key in one file, valid from and to so many days from now."""
        request = ("-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        self._openssl("req", "-new", *_KEY, *request, "-addext", f"subjectAltName={names}")
        dates = ("-startdate", _moment(begin), "-enddate", _moment(end))
        files = ("-cert", "ca.pem", "-keyfile", "ca.key", "-in", f"{name}.csr", "-out", f"{name}.crt")
        self._openssl("ca", "-config", "config", "-batch", "-notext", *files, *dates)
        return self._with_key(name)

    def self_signed(self, name: str) -> Path:
        """A certificate that vouches for itself alone, with its key in one file."""
        files = ("-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}", "-days", "9")
        self._openssl("req", "-x509", *_KEY, *files, "-addext", f"subjectAltName={HERE}")
        return self._with_key(name)

    def _with_key(self, name: str) -> Path:
        both = self.home / f"{name}.pem"
        both.write_bytes((self.home / f"{name}.key").read_bytes() + (self.home / f"{name}.crt").read_bytes())
        return both

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.home, check=True, capture_output=True)


def _moment(days: float) -> str:
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86_400))
