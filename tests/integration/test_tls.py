"""TLS on the channel, on real servers of every flavour, set up from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guestagent.embedded.database_servers import Flavour
from tests.support.agent_guest import (
    IMAGE_OPTIONS,
    AgentGuest,
    build_replica_document,
    build_source_document,
    set_read_only,
)
from tests.support.certificates import Certificate, CertificateAuthority
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.family_statements import TLS_STATEMENTS, limit_to_family
from tests.support.server_reset_statements import RESET_STATEMENTS
from tests.support.tls_pair import SOURCE_ADDRESS, TlsPair

OPTIONS = ("server-id=1", *IMAGE_OPTIONS)


@pytest.fixture(scope="session")
def foreign_authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """A certificate authority that neither server trusts."""
    return CertificateAuthority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
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


class GuestWithoutCryptography(AgentGuest):
    """A guest as in an image: without a package that the Python of the tests has."""

    def build_command(self, *words: str) -> list[str]:
        package = self.folder / "without" / "cryptography"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text("raise ImportError('not installed')\n")
        return ["env", f"PYTHONPATH={package.parent}", *super().build_command(*words)]


def _reset_guest(server: DatabaseServer, folder: Path) -> AgentGuest:
    set_read_only(server.reset())
    folder.mkdir()
    return AgentGuest(server, folder)


def get_condition(report: dict[str, Any], name: str) -> dict[str, str]:
    found_condition: dict[str, str] = next(each for each in report["conditions"] if each["name"] == name)
    return found_condition


@pytest.mark.every_server
def test_a_document_of_2013_uses_tls_if_the_source_offers_it(tls_pair: TlsPair) -> None:
    tls_pair.source.apply(build_source_document())

    report = tls_pair.apply_on_replica()

    assert report["state"] == "ready"
    assert tls_pair.list_stream_types() == ["SSL/TLS"]
    assert get_condition(report, "channel")["seen"].endswith("over TLS (not verified)")


def test_the_metadata_can_request_an_unencrypted_channel(tls_pair: TlsPair) -> None:
    tls_pair.source.apply(build_source_document(TLS={"Required": False}))

    report = tls_pair.apply_on_replica(Required=False)

    assert report["state"] == "ready"
    assert tls_pair.list_stream_types() == ["TCP/IP"]
    assert get_condition(report, "channel")["seen"].endswith("in clear")


@pytest.mark.every_server
def test_with_a_ca_the_channel_is_verified_and_the_account_requires_tls(tls_pair: TlsPair) -> None:
    assert tls_pair.source.apply(build_source_document(TLS={"CA": tls_pair.ca.text}))["state"] == "ready"

    report = tls_pair.apply_on_replica(CA=tls_pair.ca.text)

    assert report["state"] == "ready", report
    assert tls_pair.list_stream_types() == ["SSL/TLS"]
    assert tls_pair.read_channel_column("source_SSL_Verify_Server_Cert") == "Yes"
    [ca] = tls_pair.list_channel_files()
    assert tls_pair.read_channel_column("source_SSL_CA_File") == str(ca)
    assert (ca.stat().st_mode & 0o777, ca.read_text()) == (0o400, tls_pair.ca.text)
    assert "REQUIRE SSL" in tls_pair.read_account_requirement()


def test_a_second_pass_over_tls_writes_nothing(tls_pair: TlsPair) -> None:
    source, replica_document = (
        build_source_document(TLS={"CA": tls_pair.ca.text}),
        tls_pair.build_document(CA=tls_pair.ca.text),
    )
    assert (
        tls_pair.source.apply(source)["state"] == tls_pair.replica.apply(replica_document)["state"] == "ready"
    )
    before = [guest.server.read_position() for guest in (tls_pair.source, tls_pair.replica)]
    stats = [file.stat() for file in tls_pair.list_channel_files()]

    assert (
        tls_pair.source.apply(source)["state"] == tls_pair.replica.apply(replica_document)["state"] == "ready"
    )

    assert [guest.server.read_position() for guest in (tls_pair.source, tls_pair.replica)] == before
    assert [file.stat().st_mtime_ns for file in tls_pair.list_channel_files()] == [
        each.st_mtime_ns for each in stats
    ]


@pytest.mark.every_server
@pytest.mark.parametrize(
    ("case", "meaning"),
    [
        ("stranger", "was not signed by the CA"),
        ("expired", "has expired"),
        ("other name", "is for another name"),
    ],
)
def test_an_invalid_certificate_is_named_and_never_trusted(
    tls_pair: TlsPair, case: str, meaning: str
) -> None:
    tls_pair.source.apply(build_source_document(TLS={}))
    served_certificate = {
        "stranger": tls_pair.foreign_ca.valid,
        "expired": tls_pair.ca.expired,
        "other name": tls_pair.ca.other_name,
    }[case]
    tls_pair.serve_certificate(served_certificate)

    report = tls_pair.apply_on_replica(CA=tls_pair.ca.text)

    assert report["state"] == "failed"
    assert meaning in report["conditions"][0]["seen"] + report["conditions"][1]["seen"]
    assert tls_pair.read_channel_column("replica_IO_Running") != "Yes"


@pytest.mark.every_server
def test_without_verify_the_chain_is_checked_and_the_name_is_not(tls_pair: TlsPair) -> None:
    tls_pair.source.apply(build_source_document(TLS={}))
    tls_pair.serve_certificate(tls_pair.ca.other_name)

    report = tls_pair.apply_on_replica(CA=tls_pair.ca.text, Verify=False)
    tls_pair.serve_certificate(tls_pair.foreign_ca.valid)
    foreign_report = tls_pair.apply_on_replica(CA=tls_pair.ca.text, Verify=False)

    assert report["state"] == "ready", report
    assert foreign_report["state"] == "failed"
    assert "was not signed by the CA" in get_condition(foreign_report, "source")["seen"]


def test_a_source_without_tls_is_not_changed_if_tls_is_required(guest_without_tls: AgentGuest) -> None:
    before = guest_without_tls.server.read_position()

    report = guest_without_tls.apply(build_source_document(TLS={}, Deadline=600))

    assert (report["conditions"][0]["name"], report["conditions"][0]["state"]) == ("TLS", "final")
    assert guest_without_tls.server.read_position() == before


@pytest.mark.every_server
def test_a_replica_does_not_fall_back_to_clear_text(tls_pair: TlsPair, guest_without_tls: AgentGuest) -> None:
    assert guest_without_tls.apply(build_source_document())["state"] == "ready"
    document = build_replica_document(guest_without_tls.server.port, Deadline=2)

    report = tls_pair.replica.apply(document | {"GuestAgent": document["GuestAgent"] | {"TLS": {}}})
    plain = tls_pair.replica.apply(document)

    assert report["state"] == "failed"
    assert "the source has no TLS" in get_condition(report, "source")["seen"]
    assert plain["state"] == "ready"
    assert get_condition(plain, "channel")["seen"].endswith("in clear")


@limit_to_family("mysql")
def test_a_guest_that_cannot_encrypt_a_password_names_the_missing_package(
    guest_without_tls: AgentGuest,
) -> None:
    guest = GuestWithoutCryptography(guest_without_tls.server, guest_without_tls.folder)

    report = guest.apply(build_source_document(Deadline=2))

    assert report["state"] == "failed"
    assert "no TLS for the password" in get_condition(report, "account slave0000@%")["seen"]
    assert "install cryptography" in get_condition(report, "account slave0000@%")["do"]


def test_an_unencrypted_channel_to_an_account_that_requires_tls_fails_with_the_reason(
    tls_pair: TlsPair,
) -> None:
    tls_pair.source.apply(build_source_document(TLS={}))

    report = tls_pair.apply_on_replica(Required=False)

    assert report["state"] == "failed"
    where, meaning = tls_pair.statements.refusal
    assert meaning in get_condition(report, where)["seen"]


def test_changes_by_hand_are_reverted(tls_pair: TlsPair) -> None:
    tls_pair.source.apply(build_source_document(TLS={"CA": tls_pair.ca.text}))
    document = tls_pair.build_document(CA=tls_pair.ca.text)
    tls_pair.replica.apply(document)
    [file] = tls_pair.list_channel_files()
    file.unlink()
    tls_pair.source.server.execute("ALTER USER slave0000@'%' REQUIRE NONE")
    tls_pair.replica.server.execute(*tls_pair.statements.disable_verification)

    assert tls_pair.source.apply(build_source_document(TLS={"CA": tls_pair.ca.text}))["state"] == "ready"
    assert tls_pair.replica.apply(document)["state"] == "ready"

    assert tls_pair.list_channel_files() == [file]
    assert tls_pair.read_channel_column("source_SSL_Verify_Server_Cert") == "Yes"
    assert tls_pair.read_channel_column("source_SSL_Cipher") == ""
    assert "REQUIRE SSL" in tls_pair.read_account_requirement()


def test_a_new_ca_gets_a_new_file_and_the_old_file_is_removed(tls_pair: TlsPair) -> None:
    tls_pair.source.apply(build_source_document(TLS={}))
    tls_pair.apply_on_replica(CA=tls_pair.ca.text)
    [old] = tls_pair.list_channel_files()
    both = tls_pair.foreign_ca.text + tls_pair.ca.text

    report = tls_pair.apply_on_replica(CA=both)

    assert report["state"] == "ready", report
    [new] = tls_pair.list_channel_files()
    assert new != old
    assert new.read_text() == both


def test_a_channel_that_cannot_use_the_new_ca_keeps_its_settings(tls_pair: TlsPair) -> None:
    tls_pair.source.apply(build_source_document(TLS={}))
    tls_pair.apply_on_replica(CA=tls_pair.ca.text)
    [old] = tls_pair.list_channel_files()

    report = tls_pair.apply_on_replica(CA=tls_pair.foreign_ca.text)

    assert report["state"] == "failed"
    assert tls_pair.read_channel_column("replica_IO_Running") == "Yes"
    assert tls_pair.read_channel_column("source_SSL_CA_File") == str(old)
    assert old in tls_pair.list_channel_files()


def test_a_replica_authenticates_with_a_client_certificate(tls_pair: TlsPair) -> None:
    certificate, key = tls_pair.ca.sign("replica").texts
    source_document = build_source_document(TLS={"CA": tls_pair.ca.text, "ClientCertificates": True})
    assert tls_pair.source.apply(source_document)["state"] == "ready"

    rejected_report = tls_pair.apply_on_replica(CA=tls_pair.ca.text)
    report = tls_pair.apply_on_replica(CA=tls_pair.ca.text, Certificate=certificate, Key=key)

    assert rejected_report["state"] == "failed"
    assert report["state"] == "ready", report
    assert [file.stat().st_mode & 0o777 for file in tls_pair.list_channel_files()] == [0o400] * 3
    for log in (tls_pair.source.server.read_all_logs(), tls_pair.replica.server.read_all_logs()):
        assert key.encode() not in log
    state_files = (tls_pair.replica.folder / "state").rglob("*")
    assert key.encode() not in b"".join(path.read_bytes() for path in state_files if path.is_file())


def test_a_certificate_that_expires_soon_is_reported(tls_pair: TlsPair) -> None:
    tls_pair.source.apply(build_source_document(TLS={}))
    tls_pair.serve_certificate(tls_pair.ca.sign("short", days=3))

    report = tls_pair.apply_on_replica(CA=tls_pair.ca.text)

    assert report["state"] == "ready"
    assert "expires in 2 days" in get_condition(report, "source")["seen"]


def test_a_plan_connects_over_tls_and_writes_no_file(tls_pair: TlsPair) -> None:
    tls_pair.source.apply(build_source_document(TLS={}))
    document = tls_pair.build_document(CA=tls_pair.ca.text)

    answer = tls_pair.replica.run("plan", "--metadata", str(tls_pair.replica.write_document(document)))

    assert answer.returncode == 0, answer.stderr
    assert "over TLS (CA and name verified)" in answer.stdout
    assert tls_pair.list_channel_files() == []
