"""The endpoint as guests use it: the real collector reads from it, and the agent's own sender signals to it."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from guestagent.agent.collector_config import find_requested_options, update_config
from guestagent.errors import (
    HandleRefused,
    HandleUnreachable,
    InvalidSettings,
    StorageError,
    UnsupportedEnvironment,
)
from guestagent.metadata import CfnHandle, parse
from guestagent.resources.endpoint import guest_connection, server
from guestagent.resources.endpoint.application import EndpointApplication
from guestagent.resources.endpoint.endpoint_settings import EndpointSettings
from guestagent.resources.endpoint.guest_user_data import build_guest_user_data
from guestagent.resources.endpoint.server import EndpointServer
from guestagent.resources.endpoint.signed_path import PathPurpose
from guestagent.resources.store.records import ClusterChange
from guestagent.secret import Secret
from guestagent.signal.http_client import HttpOptions
from guestagent.signal.payload import SignalOutcome, SignalStatus, build_body
from guestagent.signal.transports import build_transport
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import find_free_port
from tests.support.served_cluster import ServedCluster

COLLECTOR = Path(sys.executable).with_name("os-collect-config")
HOST = "127.0.0.1"


@pytest.fixture
def shop() -> ServedCluster:
    return ServedCluster()


@pytest.fixture
def served(shop: ServedCluster, authority: CertificateAuthority) -> Iterator[ServedCluster]:
    """The cluster, served over HTTPS on loopback."""
    certificate, port = authority.valid, find_free_port()
    shop.url = f"https://{HOST}:{port}"
    settings = EndpointSettings(HOST, port, certificate.certificate, certificate.key)
    server = EndpointServer(settings, EndpointApplication(shop.endpoint))
    server.open()
    yield shop
    server.close()


def collect(folder: Path, authority: CertificateAuthority) -> dict[str, object]:
    """Have the real collector read its configuration once, and return what it has collected."""
    config, cache = folder / "os-collect-config.conf", ["--cachedir", f"{folder}/cache"]
    run = subprocess.run(
        [
            COLLECTOR,
            "--config-file",
            config,
            "--one-time",
            "--print",
            *cache,
            "--backup-cachedir",
            f"{folder}/b",
        ],
        env={"LC_ALL": "C", "REQUESTS_CA_BUNDLE": str(authority.ca)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    collected: dict[str, object] = json.loads(run.stdout)["request"]
    return collected


def boot(folder: Path, served: ServedCluster, instance: str) -> None:
    """Run the user data as a first boot does, below a folder of its own."""
    path, signature = served.sign(instance, PathPurpose.BOOT)
    script = build_guest_user_data(
        f"{served.url}{path}?Signature={signature}", 10, "a certificate\n"
    ).reveal()
    subprocess.run(["sh", "-c", script.replace("/etc/", f"{folder}/")], check=True)


def test_a_node_gets_its_document_by_the_address_in_its_user_data(
    served: ServedCluster, authority: CertificateAuthority, tmp_path: Path
) -> None:
    boot(tmp_path, served, "Master0000")

    first = collect(tmp_path, authority)
    file = tmp_path / "os-collect-config.conf"
    file.write_text(update_config(file.read_text(), find_requested_options(first)))
    second = collect(tmp_path, authority)

    assert first.keys() == {"os-collect-config"}
    document = parse({key: value for key, value in second.items() if key != "os-collect-config"})
    assert document.unique_id == "Master0000-1"


def test_user_data_trust_the_endpoints_authority_and_are_closed_to_others(
    served: ServedCluster, tmp_path: Path
) -> None:
    boot(tmp_path, served, "Master0000")

    assert (tmp_path / "guestagent/endpoint-ca.pem").read_text() == "a certificate\n"
    environment = (tmp_path / "guestagent/endpoint.env").read_text()
    assert environment == f"REQUESTS_CA_BUNDLE={tmp_path}/guestagent/endpoint-ca.pem\n"
    assert (tmp_path / "os-collect-config.conf").stat().st_mode & 0o777 == 0o600


def test_the_agents_own_sender_signals(served: ServedCluster, authority: CertificateAuthority) -> None:
    handle = parse(
        {key: value for key, value in served.read_json("Master0000").items() if key != "os-collect-config"}
    ).handle
    assert isinstance(handle, CfnHandle)
    outcome = SignalOutcome(SignalStatus.SUCCESS, "ready", {"bytes": 7})

    build_transport(handle, HttpOptions(authority.ca)).send(build_body(handle, "Master0000-1", outcome), 10)

    snapshot = served.store.read("shop")
    assert snapshot is not None
    (signal,) = snapshot.signals
    assert (signal.is_success, signal.reason, json.loads(signal.data)) == (True, "ready", {"bytes": 7})


def test_a_handle_of_a_deleted_cluster_is_gone(
    served: ServedCluster, authority: CertificateAuthority
) -> None:
    path, signature = served.sign("Master0000", PathPurpose.SIGNAL)
    handle = CfnHandle(Secret(f"{served.url}{path}?Signature={signature}"))
    served.write(ClusterChange(is_removed=True))

    with pytest.raises(HandleRefused, match="there is no such handle"):
        build_transport(handle, HttpOptions(authority.ca)).send(b"{}", 10)


def test_an_agent_that_does_not_know_the_authority_tells_nothing(
    served: ServedCluster, tmp_path: Path
) -> None:
    path, signature = served.sign("Master0000", PathPurpose.SIGNAL)
    handle = CfnHandle(Secret(f"{served.url}{path}?Signature={signature}"))
    foreign = CertificateAuthority(tmp_path)

    with pytest.raises(HandleUnreachable, match="its certificate is not valid here"):
        build_transport(handle, HttpOptions(foreign.ca)).send(b"{}", 10)

    snapshot = served.store.read("shop")
    assert snapshot is not None
    assert snapshot.signals == ()


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH", "OPTIONS", "PUT", "POST"])
@pytest.mark.parametrize(
    "path", ["/", "/v1/shop", "/v1/shop/Master0000/run/1", "/v1/none/Master0000/run/1?Signature=x"]
)
def test_every_wrong_request_gets_the_same_answer(
    served: ServedCluster, authority: CertificateAuthority, method: str, path: str
) -> None:
    response = requests.request(method, f"{served.url}{path}", verify=str(authority.ca), timeout=60)

    assert (response.status_code, response.content) == (404, b'{"error":"not found"}')


def test_a_body_that_is_too_large_is_refused(served: ServedCluster, authority: CertificateAuthority) -> None:
    path, signature = served.sign("Master0000", PathPurpose.SIGNAL)
    url = f"{served.url}{path}?Signature={signature}"

    response = requests.put(url, data=b" " * 1_000_000, verify=str(authority.ca), timeout=60)

    assert response.status_code == 400


def test_a_client_that_goes_away_in_the_middle_leaves_no_traceback(
    shop: ServedCluster, caplog: pytest.LogCaptureFixture
) -> None:
    port = find_free_port()
    server = EndpointServer(EndpointSettings(HOST, port), EndpointApplication(shop.endpoint))
    server.open()

    with socket.create_connection((HOST, port)) as client:
        client.sendall(b"PUT /v1/shop/Master0000/signal/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n{")
    response = requests.get(
        f"http://{HOST}:{port}/v1/shop/Master0000/run/1/", allow_redirects=False, timeout=60
    )
    server.close()

    assert response.status_code == 404
    assert not caplog.records


def test_clients_that_never_send_a_request_do_not_keep_their_places(
    shop: ServedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guest_connection, "CONNECTION_TIME_LIMIT_S", 1.0)
    port = find_free_port()
    endpoint = EndpointServer(EndpointSettings(HOST, port), EndpointApplication(shop.endpoint))
    endpoint.open()

    clients = [socket.create_connection((HOST, port), timeout=30) for _ in range(server.CONNECTION_LIMIT)]
    for client in clients:
        client.sendall(b"GET /healthz HTTP/1.1\r\n")
    for client in clients:
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""
        client.close()
    response = requests.get(f"http://{HOST}:{port}/healthz", timeout=60)
    endpoint.close()

    assert response.status_code == 200


def test_a_document_is_not_served_in_clear_beyond_loopback(shop: ServedCluster) -> None:
    with pytest.raises(InvalidSettings, match=r"endpoint\.certificate: expected a file in PEM"):
        EndpointServer(EndpointSettings("0.0.0.0", 0), EndpointApplication(shop.endpoint))  # noqa: S104


def test_a_port_in_use_is_named(shop: ServedCluster) -> None:
    with socket.create_server((HOST, 0)) as other:
        server = EndpointServer(
            EndpointSettings(HOST, other.getsockname()[1]), EndpointApplication(shop.endpoint)
        )

        with pytest.raises(UnsupportedEnvironment, match="is it in use"):
            server.open()


def test_a_certificate_that_cannot_be_used_is_named(shop: ServedCluster, tmp_path: Path) -> None:
    (tmp_path / "pem").write_text("none")
    settings = EndpointSettings(HOST, 0, tmp_path / "pem", tmp_path / "pem")

    with pytest.raises(StorageError, match="the certificate or key of the endpoint cannot be used"):
        EndpointServer(settings, EndpointApplication(shop.endpoint)).open()


def read_serial_number(port: int, name: str | None, authority: CertificateAuthority) -> str:
    """Connect as a guest, and return the serial number of the endpoint's certificate."""
    context = ssl.create_default_context(cafile=authority.ca)
    context.check_hostname = name is not None
    with socket.create_connection((HOST, port)) as raw, context.wrap_socket(raw, server_hostname=name) as tls:
        certificate = tls.getpeercert()
    assert certificate is not None
    return str(certificate["serialNumber"])


@pytest.mark.parametrize("name", [HOST, None])
def test_new_connections_get_a_renewed_certificate(
    shop: ServedCluster, authority: CertificateAuthority, name: str | None
) -> None:
    certificate, port = authority.valid, find_free_port()
    settings = EndpointSettings(HOST, port, certificate.certificate, certificate.key)
    server = EndpointServer(settings, EndpointApplication(shop.endpoint))
    server.open()
    first = read_serial_number(port, name, authority)
    renewed = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    other = authority.sign(f"renewed-{name}")
    renewed.load_cert_chain(other.certificate, other.key)

    server.use_certificate(renewed)
    second = read_serial_number(port, name, authority)
    server.close()

    assert first != second
