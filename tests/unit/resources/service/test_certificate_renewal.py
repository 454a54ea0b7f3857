"""A renewed certificate is served when both of its files have changed, and a guest accepts it."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

import pytest

from guestagent.resources.service.certificate_renewal import CertificateRenewal
from guestagent.resources.service.endpoint_certificate import CertificateLoader
from tests.support.certificates import Certificate, CertificateAuthority

HOST = "127.0.0.1"
SERVED = "the endpoint serves the certificate that"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


class RenewedFiles:
    """The files of an endpoint, and what becomes of their changes."""

    def __init__(self, folder: Path, authority: CertificateAuthority) -> None:
        self.certificate, self.key = folder / "endpoint.pem", folder / "endpoint.key"
        self.replace(authority.valid)
        self.used: list[ssl.SSLContext] = []
        self.counted: list[bool] = []
        loader = CertificateLoader(self.certificate, self.key, authority.ca, HOST)
        self.renewal = CertificateRenewal(loader, self.used.append, self.counted.append)

    def replace(self, certificate: Certificate) -> None:
        self.replace_certificate(certificate)
        self._replace(self.key, certificate.key)

    def replace_certificate(self, certificate: Certificate) -> None:
        self._replace(self.certificate, certificate.certificate)

    def _replace(self, target: Path, source: Path) -> None:
        """Replace a file as the tools that renew certificates do."""
        copy = target.with_suffix(".new")
        copy.write_bytes(source.read_bytes())
        copy.rename(target)


@pytest.fixture
def files(tmp_path: Path, authority: CertificateAuthority) -> RenewedFiles:
    return RenewedFiles(tmp_path, authority)


def test_files_that_have_not_changed_are_not_loaded_again(files: RenewedFiles) -> None:
    files.renewal.check()

    assert (files.used, files.counted) == ([], [])


def test_a_renewed_certificate_is_served(files: RenewedFiles, authority: CertificateAuthority) -> None:
    earlier = files.renewal.certificate
    files.replace(authority.sign("renewed"))

    files.renewal.check()

    assert files.used == [files.renewal.certificate.context]
    assert files.renewal.certificate.ends_at > earlier.ends_at
    assert files.counted == [True]


def test_a_certificate_waits_for_its_key(
    files: RenewedFiles, authority: CertificateAuthority, caplog: pytest.LogCaptureFixture
) -> None:
    earlier, renewed = files.renewal.certificate, authority.sign("half")
    files.replace_certificate(renewed)
    files.renewal.check()
    assert files.renewal.certificate == earlier
    assert "a certificate and its key in PEM" in files.renewal.problem
    assert [each.levelno for each in caplog.records] == [logging.WARNING]

    files.replace(renewed)
    files.renewal.check()

    assert files.renewal.problem == ""
    assert files.counted == [False, True]


@pytest.mark.parametrize("defect", ["expired", "other_ca", "other_name"])
def test_a_certificate_that_a_guest_would_refuse_is_not_served(
    files: RenewedFiles, authority: CertificateAuthority, defect: str
) -> None:
    files.replace(getattr(authority, defect))

    files.renewal.check()
    files.renewal.check()

    assert files.used == []
    assert "one for 127.0.0.1" in files.renewal.problem
    assert files.counted == [False], "a file that stays as it is is no news"


def test_files_that_are_gone_change_nothing(files: RenewedFiles) -> None:
    files.key.unlink()

    files.renewal.check()

    assert files.used == []
    assert "No such file or directory" in files.renewal.problem


def test_a_reload_does_not_ask_whether_a_file_has_changed(
    files: RenewedFiles, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    files.renewal.reload()

    assert len(files.used) == 1
    assert SERVED in caplog.text


def test_the_files_are_looked_at_while_the_service_runs(
    tmp_path: Path, authority: CertificateAuthority
) -> None:
    files = RenewedFiles(tmp_path, authority)
    loader = CertificateLoader(files.certificate, files.key, authority.ca, HOST)
    renewal = CertificateRenewal(loader, files.used.append, files.counted.append, interval_s=0.01)
    renewal.open()
    files.replace(authority.sign("watched"))

    while len(files.used) < 2:
        assert renewal.certificate.ends_at
    renewal.close()

    assert files.used[-1] is renewal.certificate.context
