"""Certificates that a replica rejects, and certificates that are replaced, on real servers of every flavour."""

from __future__ import annotations

import pytest

from tests.support.agent_guest import build_source_document
from tests.support.tls_pair import TlsPair, get_condition


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
