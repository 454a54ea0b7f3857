"""TLS on the channel, on real servers of every flavour, set up from the command line."""

from __future__ import annotations

import pytest

from tests.support.agent_guest import build_source_document
from tests.support.tls_pair import TlsPair, get_condition


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


def test_a_plan_connects_over_tls_and_writes_no_file(tls_pair: TlsPair) -> None:
    tls_pair.source.apply(build_source_document(TLS={}))
    document = tls_pair.build_document(CA=tls_pair.ca.text)

    answer = tls_pair.replica.run("plan", "--metadata", str(tls_pair.replica.write_document(document)))

    assert answer.returncode == 0, answer.stderr
    assert "over TLS (CA and name verified)" in answer.stdout
    assert tls_pair.list_channel_files() == []
