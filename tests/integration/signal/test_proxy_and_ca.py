"""Proxies and certificate authorities of the environment and of the settings."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.errors import HandleUnreachable
from guestagent.signal import HttpOptions, build_transport
from tests.support.cfn_signal_server import PATH, QUERY, CfnSignalServer, build_handle, open_signal_server
from tests.support.signal_attempts import get_error, send_in_process


def test_the_proxy_of_the_environment_is_used(heat: CfnSignalServer) -> None:
    assert send_in_process(build_handle("http://heat.invalid:8000"), http_proxy=heat.address) == ""

    (request,) = heat.requests
    assert request.request_line == f"PUT http://heat.invalid:8000{PATH}?{QUERY} HTTP/1.1"
    assert request.headers["Host"] == "heat.invalid:8000"


def test_no_proxy_is_honoured(heat: CfnSignalServer) -> None:
    assert send_in_process(heat.handle, http_proxy="http://127.0.0.1:1", no_proxy="127.0.0.1") == ""

    assert len(heat.requests) == 1


def test_a_dead_proxy_is_named() -> None:
    output = send_in_process(build_handle("http://heat.invalid"), http_proxy="http://127.0.0.1:1")

    assert output == "HandleUnreachable heat.invalid: the proxy: Connection refused"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private key and a self-signed certificate for 127.0.0.1, in one file."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    options = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(file), "-out", f"{file}.crt", "-days", "2"]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", "req", "-x509", *options, *subject], check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[CfnSignalServer]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with open_signal_server(tls) as server:
        yield server


def test_a_ca_from_the_settings_is_trusted(tls_server: CfnSignalServer, certificate: Path) -> None:
    build_transport(tls_server.handle, HttpOptions(certificate)).send(b"{}", 5)

    assert len(tls_server.requests) == 1


def test_a_ca_from_the_environment_is_trusted(tls_server: CfnSignalServer, certificate: Path) -> None:
    assert send_in_process(tls_server.handle, REQUESTS_CA_BUNDLE=str(certificate)) == ""

    assert len(tls_server.requests) == 1


def test_an_unknown_ca_is_retried_and_named(tls_server: CfnSignalServer) -> None:
    error = get_error(lambda: build_transport(tls_server.handle).send(b"{}", 5))

    assert isinstance(error, HandleUnreachable)
    assert "its certificate is not valid here (self-signed certificate): is its CA in signal.ca_file?" in str(
        error
    )
    assert tls_server.requests == []


def test_a_ca_file_that_is_missing_is_named(tls_server: CfnSignalServer, tmp_path: Path) -> None:
    error = get_error(
        lambda: build_transport(tls_server.handle, HttpOptions(tmp_path / "ca.pem")).send(b"{}", 5)
    )

    assert isinstance(error, HandleUnreachable)
    assert "the CA bundle cannot be read: is signal.ca_file" in str(error)
