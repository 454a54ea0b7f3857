"""Guests without TLS, on real servers of every flavour: the agent never falls back to clear text by itself."""

from __future__ import annotations

import pytest

from tests.support.agent_guest import AgentGuest, build_replica_document, build_source_document
from tests.support.family_statements import limit_to_family
from tests.support.tls_pair import TlsPair, get_condition


class GuestWithoutCryptography(AgentGuest):
    """A guest as in an image: without a package that the Python of the tests has."""

    def build_command(self, *words: str) -> list[str]:
        package = self.folder / "without" / "cryptography"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text("raise ImportError('not installed')\n")
        return ["env", f"PYTHONPATH={package.parent}", *super().build_command(*words)]


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
