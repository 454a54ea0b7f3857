"""TLS on the channel, on real servers of every flavour, as the command line brings it about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guestagent.embedded.database_servers import Flavour
from tests.integration.test_agent import (
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
def stranger(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """An authority that nobody of ours trusts."""
    return CertificateAuthority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def _secured(
    flavour: Flavour,
    empty: Path,
    authority: CertificateAuthority,
    stranger: CertificateAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[TlsPair]:
    folder = tmp_path_factory.mktemp("tls")
    right, served = (
        authority.sign("server"),
        Certificate(folder / "ca.pem", folder / "cert.pem", folder / "key.pem"),
    )
    served.overwrite_with(right)
    options = (*OPTIONS, "performance-schema=ON", *served.options)
    with (
        open_server(
            folder / "a", empty, *options, flavour=flavour, address=f"127.0.0.1,{SOURCE_ADDRESS}"
        ) as one,
        open_server(folder / "b", empty, *OPTIONS, flavour=flavour) as two,
    ):
        yield TlsPair(AgentGuest(one, folder), AgentGuest(two, folder), authority, stranger, right, served)


@pytest.fixture
def secured(_secured: TlsPair, tmp_path: Path) -> Iterator[TlsPair]:
    _secured.serve_certificate(_secured.valid_certificate)
    for file in _secured.list_channel_files():
        file.unlink()
    # The replica first: it would come back to a source that was emptied before it.
    replica = _as_new(_secured.replica.server, tmp_path / "replica")
    source = _as_new(_secured.source.server, tmp_path / "source")
    yield replace(_secured, source=source, replica=replica)
    # Else it comes to whichever source it was given last, once that has the account again, in another test.
    replica.server.execute(RESET_STATEMENTS[replica.server.flavour.family].stop)


@pytest.fixture(scope="module")
def _bare(
    flavour: Flavour, empty: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DatabaseServer]:
    without = TLS_STATEMENTS[flavour.family].no_tls_option
    folder = tmp_path_factory.mktemp("bare") / "s"
    with open_server(folder, empty, *OPTIONS, without, flavour=flavour) as server:
        yield server


@pytest.fixture
def bare(_bare: DatabaseServer, tmp_path: Path) -> AgentGuest:
    """A source whose server has no TLS."""
    return _as_new(_bare, tmp_path / "bare")


class WithoutCryptography(AgentGuest):
    """A guest as an image has it: without a package that our own tests' Python happens to have."""

    def build_command(self, *words: str) -> list[str]:
        package = self.folder / "without" / "cryptography"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text("raise ImportError('not on this machine')\n")
        return ["env", f"PYTHONPATH={package.parent}", *super().build_command(*words)]


def _as_new(server: DatabaseServer, folder: Path) -> AgentGuest:
    set_read_only(server.reset())
    folder.mkdir()
    return AgentGuest(server, folder)


def condition(told: dict[str, Any], name: str) -> dict[str, str]:
    found: dict[str, str] = next(each for each in told["conditions"] if each["name"] == name)
    return found


@pytest.mark.every_server
def test_a_document_of_2013_is_followed_over_tls_where_the_source_offers_it(secured: TlsPair) -> None:
    secured.source.apply(build_source_document())

    told = secured.apply_on_replica()

    assert told["state"] == "ready"
    assert secured.list_stream_types() == ["SSL/TLS"]
    assert condition(told, "channel")["seen"].endswith("over TLS (not verified)")


def test_the_metadata_can_ask_for_a_channel_in_clear(secured: TlsPair) -> None:
    secured.source.apply(build_source_document(TLS={"Required": False}))

    told = secured.apply_on_replica(Required=False)

    assert told["state"] == "ready"
    assert secured.list_stream_types() == ["TCP/IP"]
    assert condition(told, "channel")["seen"].endswith("in clear")


@pytest.mark.every_server
def test_with_a_ca_the_channel_is_verified_and_the_account_demands_tls(secured: TlsPair) -> None:
    assert secured.source.apply(build_source_document(TLS={"CA": secured.ca.text}))["state"] == "ready"

    told = secured.apply_on_replica(CA=secured.ca.text)

    assert told["state"] == "ready", told
    assert secured.list_stream_types() == ["SSL/TLS"]
    assert secured.read_channel_column("source_SSL_Verify_Server_Cert") == "Yes"
    [ca] = secured.list_channel_files()
    assert secured.read_channel_column("source_SSL_CA_File") == str(ca)
    assert (ca.stat().st_mode & 0o777, ca.read_text()) == (0o400, secured.ca.text)
    assert "REQUIRE SSL" in secured.read_account_requirement()


def test_a_second_pass_over_tls_writes_nothing(secured: TlsPair) -> None:
    source, wanted = (
        build_source_document(TLS={"CA": secured.ca.text}),
        secured.build_document(CA=secured.ca.text),
    )
    assert secured.source.apply(source)["state"] == secured.replica.apply(wanted)["state"] == "ready"
    before = [guest.server.read_position() for guest in (secured.source, secured.replica)]
    written = [file.stat() for file in secured.list_channel_files()]

    assert secured.source.apply(source)["state"] == secured.replica.apply(wanted)["state"] == "ready"

    assert [guest.server.read_position() for guest in (secured.source, secured.replica)] == before
    assert [file.stat().st_mtime_ns for file in secured.list_channel_files()] == [
        each.st_mtime_ns for each in written
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
def test_a_certificate_that_is_not_right_is_named_and_no_channel_is_made_to_trust_it(
    secured: TlsPair, case: str, meaning: str
) -> None:
    secured.source.apply(build_source_document(TLS={}))
    served = {
        "stranger": secured.foreign_ca.valid,
        "expired": secured.ca.expired,
        "other name": secured.ca.other_name,
    }[case]
    secured.serve_certificate(served)

    told = secured.apply_on_replica(CA=secured.ca.text)

    assert told["state"] == "failed"
    assert meaning in told["conditions"][0]["seen"] + told["conditions"][1]["seen"]
    assert secured.read_channel_column("replica_IO_Running") != "Yes"


@pytest.mark.every_server
def test_without_verify_the_name_is_left_alone_and_the_chain_is_not(secured: TlsPair) -> None:
    secured.source.apply(build_source_document(TLS={}))
    secured.serve_certificate(secured.ca.other_name)

    told = secured.apply_on_replica(CA=secured.ca.text, Verify=False)
    secured.serve_certificate(secured.foreign_ca.valid)
    misled = secured.apply_on_replica(CA=secured.ca.text, Verify=False)

    assert told["state"] == "ready", told
    assert misled["state"] == "failed"
    assert "was not signed by the CA" in condition(misled, "source")["seen"]


def test_a_source_without_tls_is_not_touched_where_tls_is_wanted(bare: AgentGuest) -> None:
    before = bare.server.read_position()

    told = bare.apply(build_source_document(TLS={}, Deadline=600))

    assert (told["conditions"][0]["name"], told["conditions"][0]["state"]) == ("TLS", "final")
    assert bare.server.read_position() == before


@pytest.mark.every_server
def test_a_replica_does_not_fall_back_to_clear_text(secured: TlsPair, bare: AgentGuest) -> None:
    assert bare.apply(build_source_document())["state"] == "ready"
    follows = build_replica_document(bare.server.port, Deadline=2)

    told = secured.replica.apply(follows | {"GuestAgent": follows["GuestAgent"] | {"TLS": {}}})
    plain = secured.replica.apply(follows)

    assert told["state"] == "failed"
    assert "the source has no TLS" in condition(told, "source")["seen"]
    assert plain["state"] == "ready"
    assert condition(plain, "channel")["seen"].endswith("in clear")


@limit_to_family("mysql")
def test_a_guest_that_can_tell_no_password_in_clear_says_what_would_help(bare: AgentGuest) -> None:
    without = WithoutCryptography(bare.server, bare.folder)

    told = without.apply(build_source_document(Deadline=2))

    assert told["state"] == "failed"
    assert "no TLS for the password" in condition(told, "account slave0000@%")["seen"]
    assert "install cryptography" in condition(told, "account slave0000@%")["do"]


def test_a_channel_in_clear_to_an_account_that_demands_tls_is_told_so(secured: TlsPair) -> None:
    secured.source.apply(build_source_document(TLS={}))

    told = secured.apply_on_replica(Required=False)

    assert told["state"] == "failed"
    where, meaning = secured.statements.refusal
    assert meaning in condition(told, where)["seen"]


def test_what_was_changed_by_hand_is_brought_back(secured: TlsPair) -> None:
    secured.source.apply(build_source_document(TLS={"CA": secured.ca.text}))
    wanted = secured.build_document(CA=secured.ca.text)
    secured.replica.apply(wanted)
    [file] = secured.list_channel_files()
    file.unlink()
    secured.source.server.execute("ALTER USER slave0000@'%' REQUIRE NONE")
    secured.replica.server.execute(*secured.statements.disable_verification)

    assert secured.source.apply(build_source_document(TLS={"CA": secured.ca.text}))["state"] == "ready"
    assert secured.replica.apply(wanted)["state"] == "ready"

    assert secured.list_channel_files() == [file]
    assert secured.read_channel_column("source_SSL_Verify_Server_Cert") == "Yes"
    assert secured.read_channel_column("source_SSL_Cipher") == ""
    assert "REQUIRE SSL" in secured.read_account_requirement()


def test_a_new_ca_is_a_new_file_and_the_old_one_goes(secured: TlsPair) -> None:
    secured.source.apply(build_source_document(TLS={}))
    secured.apply_on_replica(CA=secured.ca.text)
    [old] = secured.list_channel_files()
    both = secured.foreign_ca.text + secured.ca.text

    told = secured.apply_on_replica(CA=both)

    assert told["state"] == "ready", told
    [new] = secured.list_channel_files()
    assert new != old
    assert new.read_text() == both


def test_a_channel_that_cannot_move_keeps_what_it_has(secured: TlsPair) -> None:
    secured.source.apply(build_source_document(TLS={}))
    secured.apply_on_replica(CA=secured.ca.text)
    [old] = secured.list_channel_files()

    told = secured.apply_on_replica(CA=secured.foreign_ca.text)

    assert told["state"] == "failed"
    assert secured.read_channel_column("replica_IO_Running") == "Yes"
    assert secured.read_channel_column("source_SSL_CA_File") == str(old)
    assert old in secured.list_channel_files()


def test_a_replica_proves_itself_by_a_certificate_of_its_own(secured: TlsPair) -> None:
    certificate, key = secured.ca.sign("replica").texts
    demand = build_source_document(TLS={"CA": secured.ca.text, "ClientCertificates": True})
    assert secured.source.apply(demand)["state"] == "ready"

    refused = secured.apply_on_replica(CA=secured.ca.text)
    told = secured.apply_on_replica(CA=secured.ca.text, Certificate=certificate, Key=key)

    assert refused["state"] == "failed"
    assert told["state"] == "ready", told
    assert [file.stat().st_mode & 0o777 for file in secured.list_channel_files()] == [0o400] * 3
    for log in (secured.source.server.read_all_logs(), secured.replica.server.read_all_logs()):
        assert key.encode() not in log
    ours = (secured.replica.folder / "state").rglob("*")
    assert key.encode() not in b"".join(path.read_bytes() for path in ours if path.is_file())


def test_a_certificate_that_ends_soon_is_spoken_of(secured: TlsPair) -> None:
    secured.source.apply(build_source_document(TLS={}))
    secured.serve_certificate(secured.ca.sign("short", days=3))

    told = secured.apply_on_replica(CA=secured.ca.text)

    assert told["state"] == "ready"
    assert "expires in 2 days" in condition(told, "source")["seen"]


def test_a_plan_looks_over_tls_and_writes_no_file(secured: TlsPair) -> None:
    secured.source.apply(build_source_document(TLS={}))
    wanted = secured.build_document(CA=secured.ca.text)

    answer = secured.replica.run("plan", "--metadata", str(secured.replica.write_document(wanted)))

    assert answer.returncode == 0, answer.stderr
    assert "over TLS (CA and name verified)" in answer.stdout
    assert secured.list_channel_files() == []
