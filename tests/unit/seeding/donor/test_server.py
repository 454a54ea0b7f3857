"""The donor service as its network sees it: logins, limits, and its end. No database server is behind it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from guestagent.errors import SeedError
from guestagent.secret import Secret
from guestagent.seeding.donor import write_configuration
from guestagent.seeding.donor_client import DonorClient
from guestagent.seeding.stream_frames import LINE_LIMIT, FrameKind
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import find_free_port
from tests.support.polling import wait_until
from tests.support.running_donor import REQUEST, RunningDonor


@pytest.mark.parametrize("change", [{"node": "Replica0002"}, {"user": "root"}, {"password": Secret("wrong")}])
def test_a_replica_that_is_not_admitted_waits_longer_each_time(
    donor: RunningDonor, change: dict[str, object]
) -> None:
    for _ in range(3):
        with closing(donor.connect()) as client:
            client.send(replace(REQUEST, **change))  # type: ignore[arg-type]
            frame = client.read()

    assert frame.kind is FrameKind.REFUSAL
    assert frame.parse()["is_final"] is False
    assert sum(donor.clock.slept) == 0.5 + 1.0 + 2.0
    assert "wrong" not in str(donor.log) + str(frame.parse())


def test_a_replica_is_told_why_its_source_gives_no_stream(donor: RunningDonor) -> None:
    with closing(donor.connect()) as client:
        client.send(REQUEST)
        frame = client.read()

    assert (frame.kind, frame.parse()["is_final"]) == (FrameKind.REFUSAL, False)
    assert "/no/socket" in str(frame.parse()["reason"])
    assert donor.clock.slept == []


def test_a_line_without_an_end_is_not_read_for_ever(donor: RunningDonor) -> None:
    with closing(donor.connect()) as client:
        client.send(replace(REQUEST, node="x" * LINE_LIMIT))

        with pytest.raises(SeedError, match="no connection"):
            client.read()

    assert any("not one line" in line for line in donor.log)


def test_a_new_certificate_is_presented_at_once(donor: RunningDonor, authority: CertificateAuthority) -> None:
    certificate, key = authority.sign("renewed").texts
    donor.configuration = replace(donor.configuration, certificate=certificate, key=Secret(key))

    write_configuration(donor.path, donor.configuration)
    wait_until(lambda: sum("listening" in line for line in donor.log) == 2)

    donor.connect().close()


def test_another_donor_gets_nothing(donor: RunningDonor) -> None:
    endpoint = replace(donor.endpoint, fingerprint="0" * 64)

    with pytest.raises(SeedError, match="another fingerprint") as failure:
        DonorClient(endpoint, lambda: None)

    assert not failure.value.is_transient
    assert not any("Replica0001" in line for line in donor.log)


def test_a_donor_that_is_not_there_may_come_back(donor: RunningDonor) -> None:
    endpoint = replace(donor.endpoint, stream_port=find_free_port())

    with pytest.raises(SeedError, match="no connection to the donor") as failure:
        DonorClient(endpoint, lambda: None)

    assert failure.value.is_transient
