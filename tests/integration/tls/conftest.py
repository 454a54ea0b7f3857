"""A source and a replica of each flavour that can use TLS, and a server that cannot, reset before each test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from tests.support.agent_guest import IMAGE_OPTIONS, AgentGuest, set_read_only
from tests.support.certificates import Certificate, CertificateAuthority
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.family_statements import TLS_STATEMENTS
from tests.support.server_reset_statements import RESET_STATEMENTS
from tests.support.tls_pair import SOURCE_ADDRESS, TlsPair

OPTIONS = ("server-id=1", *IMAGE_OPTIONS)


@pytest.fixture(scope="session")
def foreign_authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """A certificate authority that neither server trusts."""
    return CertificateAuthority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="package")
def _tls_pair(
    flavour: Flavour,
    data_template: Path,
    authority: CertificateAuthority,
    foreign_authority: CertificateAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[TlsPair]:
    folder = tmp_path_factory.mktemp("tls")
    valid, served_certificate = (
        authority.sign("server"),
        Certificate(folder / "ca.pem", folder / "cert.pem", folder / "key.pem"),
    )
    served_certificate.overwrite_with(valid)
    options = (*OPTIONS, "performance-schema=ON", *served_certificate.options)
    with (
        open_server(
            folder / "a", data_template, *options, flavour=flavour, address=f"127.0.0.1,{SOURCE_ADDRESS}"
        ) as source,
        open_server(folder / "b", data_template, *OPTIONS, flavour=flavour) as replica,
    ):
        yield TlsPair(
            AgentGuest(source, folder),
            AgentGuest(replica, folder),
            authority,
            foreign_authority,
            valid,
            served_certificate,
        )


@pytest.fixture
def tls_pair(_tls_pair: TlsPair, tmp_path: Path) -> Iterator[TlsPair]:
    _tls_pair.serve_certificate(_tls_pair.valid_certificate)
    for file in _tls_pair.list_channel_files():
        file.unlink()
    # The replica first: otherwise it would reconnect to a source that was already reset.
    replica = _reset_guest(_tls_pair.replica.server, tmp_path / "replica")
    source = _reset_guest(_tls_pair.source.server, tmp_path / "source")
    yield replace(_tls_pair, source=source, replica=replica)
    # Otherwise it reconnects to this source in a later test, when the account exists again.
    replica.server.execute(RESET_STATEMENTS[replica.server.flavour.family].stop)


@pytest.fixture(scope="package")
def _server_without_tls(
    flavour: Flavour, data_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DatabaseServer]:
    no_tls_option = TLS_STATEMENTS[flavour.family].no_tls_option
    folder = tmp_path_factory.mktemp("bare") / "s"
    with open_server(folder, data_template, *OPTIONS, no_tls_option, flavour=flavour) as server:
        yield server


@pytest.fixture
def guest_without_tls(_server_without_tls: DatabaseServer, tmp_path: Path) -> AgentGuest:
    """A source whose server has no TLS."""
    return _reset_guest(_server_without_tls, tmp_path / "bare")


def _reset_guest(server: DatabaseServer, folder: Path) -> AgentGuest:
    set_read_only(server.reset())
    folder.mkdir()
    return AgentGuest(server, folder)
