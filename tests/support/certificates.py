"""A certificate authority for tests, and certificates that are valid or have one defect."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# Python 3.13 and later reject a CA without keyUsage.
CA_USAGE = "keyUsage=critical,keyCertSign,cRLSign"
RSA = ("-newkey", "rsa:2048", "-nodes")
ECDSA = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
LEAF_USAGE = "keyUsage=critical,digitalSignature,keyEncipherment\nauthorityKeyIdentifier=keyid\n"


@dataclass(frozen=True)
class Certificate:
    """A server's certificate and key, and the CA for its clients; paths of PEM files."""

    ca: Path
    certificate: Path
    key: Path

    @property
    def options(self) -> tuple[str, ...]:
        """The option lines for a database server."""
        return f"ssl-ca={self.ca}", f"ssl-cert={self.certificate}", f"ssl-key={self.key}"

    @property
    def texts(self) -> tuple[str, str]:
        """The content of certificate and key."""
        return self.certificate.read_text(), self.key.read_text()

    def overwrite_with(self, other: Certificate) -> None:
        """Replace the content of all files by that of the other certificate, including its CA."""
        for own_file, other_file in zip(self._files, other._files, strict=True):
            shutil.copy(other_file, own_file)

    @property
    def _files(self) -> tuple[Path, Path, Path]:
        return self.ca, self.certificate, self.key


@dataclass(frozen=True)
class CertificateAuthority:
    """A CA with a folder of its own. Each certificate is created when it is first read; `key` is RSA or ECDSA."""

    folder: Path
    addresses: tuple[str, ...] = ("127.0.0.1", "127.0.0.2", "10.243.0.1", "10.243.0.2")
    key: tuple[str, ...] = RSA

    @cached_property
    def valid(self) -> Certificate:
        return self._create_leaf("valid", self.ca, self._names, 2)

    @cached_property
    def expired(self) -> Certificate:
        return self._create_leaf("expired", self.ca, self._names, -1)

    @cached_property
    def other_name(self) -> Certificate:
        return self._create_leaf("other-name", self.ca, "DNS:elsewhere.example", 2)

    @cached_property
    def other_ca(self) -> Certificate:
        """Valid, but signed by another CA than `ca`."""
        return self._create_leaf("other-ca", self._create_authority("foreign"), self._names, 2)

    def sign(self, name: str, names: str | None = None, days: int = 40) -> Certificate:
        """Create another certificate, for these alternative names."""
        return self._create_leaf(name, self.ca, self._names if names is None else names, days)

    @property
    def text(self) -> str:
        return self.ca.read_text()

    @cached_property
    def ca(self) -> Path:
        return self._create_authority("authority")

    @property
    def _names(self) -> str:
        return ",".join(f"IP:{address}" for address in self.addresses)

    def _create_authority(self, name: str) -> Path:
        path = self.folder / f"{name}.pem"
        argv = ("req", "-x509", *self.key, "-days", "2", "-subj", f"/CN={name}")
        _run_openssl(*argv, "-addext", CA_USAGE, "-keyout", str(self._key_path(name)), "-out", str(path))
        return path

    def _create_leaf(self, name: str, ca: Path, names: str, days: int) -> Certificate:
        key, request, certificate = (
            self._key_path(name),
            self.folder / f"{name}.csr",
            self.folder / f"{name}.pem",
        )
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\n{LEAF_USAGE}")
        subject = ("-subj", "/CN=server", "-keyout", str(key), "-out", str(request))
        _run_openssl("req", *self.key, *subject)
        signing = ("-CA", str(ca), "-CAkey", str(self._key_path(ca.stem)), "-CAcreateserial")
        shape = ("-days", str(days), "-extfile", str(extensions), "-out", str(certificate))
        _run_openssl("x509", "-req", "-in", str(request), *signing, *shape)
        return Certificate(ca, certificate, key)

    def _key_path(self, name: str) -> Path:
        return self.folder / f"{name}-key.pem"


def create_certificate(folder: Path, name: str) -> tuple[str, str]:
    """Create a self-signed certificate for 127.0.0.1, which is its own CA; return the paths of certificate and key."""
    paths = str(folder / f"{name}.pem"), str(folder / f"{name}-key.pem")
    options = "-newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext subjectAltName=IP:127.0.0.1"
    usage = "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign"
    command = [
        "openssl",
        "req",
        "-x509",
        *options.split(),
        "-addext",
        usage,
        "-out",
        paths[0],
        "-keyout",
        paths[1],
    ]
    subprocess.run(command, check=True, capture_output=True)
    return paths


def _run_openssl(*words: str) -> None:
    subprocess.run(("openssl", *words), check=True, capture_output=True)
