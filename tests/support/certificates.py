"""A certificate authority of the tests' own, and certificates that are right and wrong in each way."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# Python from 3.13 on refuses a CA without keyUsage.
CA_USAGE = "keyUsage=critical,keyCertSign,cRLSign"
LEAF_USAGE = "keyUsage=critical,digitalSignature,keyEncipherment\nauthorityKeyIdentifier=keyid\n"


@dataclass(frozen=True)
class Certificate:
    """A server's, with the CA that whoever connects is given; the paths of PEM files."""

    ca: Path
    certificate: Path
    key: Path

    @property
    def options(self) -> tuple[str, ...]:
        """As a server takes them."""
        return f"ssl-ca={self.ca}", f"ssl-cert={self.certificate}", f"ssl-key={self.key}"

    @property
    def texts(self) -> tuple[str, str]:
        """Of certificate and key."""
        return self.certificate.read_text(), self.key.read_text()

    def overwrite_with(self, other: Certificate) -> None:
        """Have the content of the other one, CA and all, at the same paths."""
        for mine, theirs in zip(self._files, other._files, strict=True):
            shutil.copy(theirs, mine)

    @property
    def _files(self) -> tuple[Path, Path, Path]:
        return self.ca, self.certificate, self.key


@dataclass(frozen=True)
class CertificateAuthority:
    """`folder` is its own. Each certificate is made when it is first asked for."""

    folder: Path
    addresses: tuple[str, ...] = ("127.0.0.1", "127.0.0.2", "10.243.0.1", "10.243.0.2")

    @cached_property
    def valid(self) -> Certificate:
        return self._leaf("right", self.ca, self._here, 2)

    @cached_property
    def expired(self) -> Certificate:
        return self._leaf("expired", self.ca, self._here, -1)

    @cached_property
    def other_name(self) -> Certificate:
        return self._leaf("other-name", self.ca, "DNS:elsewhere.example", 2)

    @cached_property
    def other_ca(self) -> Certificate:
        """Right in all, but certified by somebody else than `ca`."""
        return self._leaf("other-ca", self._authority("stranger"), self._here, 2)

    def sign(self, name: str, names: str | None = None, days: int = 40) -> Certificate:
        """Another one, for these alternative names."""
        return self._leaf(name, self.ca, self._here if names is None else names, days)

    @property
    def text(self) -> str:
        return self.ca.read_text()

    @cached_property
    def ca(self) -> Path:
        return self._authority("authority")

    @property
    def _here(self) -> str:
        return ",".join(f"IP:{address}" for address in self.addresses)

    def _authority(self, name: str) -> Path:
        made = self.folder / f"{name}.pem"
        words = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}")
        _openssl(*words, "-addext", CA_USAGE, "-keyout", str(self._key(name)), "-out", str(made))
        return made

    def _leaf(self, name: str, ca: Path, names: str, days: int) -> Certificate:
        key, request, made = self._key(name), self.folder / f"{name}.csr", self.folder / f"{name}.pem"
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\n{LEAF_USAGE}")
        subject = ("-subj", "/CN=server", "-keyout", str(key), "-out", str(request))
        _openssl("req", "-newkey", "rsa:2048", "-nodes", *subject)
        signing = ("-CA", str(ca), "-CAkey", str(self._key(ca.stem)), "-CAcreateserial")
        shape = ("-days", str(days), "-extfile", str(extensions), "-out", str(made))
        _openssl("x509", "-req", "-in", str(request), *signing, *shape)
        return Certificate(ca, made, key)

    def _key(self, name: str) -> Path:
        return self.folder / f"{name}-key.pem"


def _openssl(*words: str) -> None:
    subprocess.run(("openssl", *words), check=True, capture_output=True)
