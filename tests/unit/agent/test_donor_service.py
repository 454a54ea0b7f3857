"""The donor of a MariaDB source: it serves exactly the replicas that wait for their data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.donor_record import DonorEntry, DonorRecord
from guestagent.agent.donor_service import DonorAccess, plan_donor
from guestagent.database.fake import FRESH_SERVER
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.metadata.document import Document, DonorService, JoiningReplica, User
from guestagent.secret import Secret
from guestagent.seeding.donor.configuration import read_configuration
from tests.support.reconciled_node import REPLICA, SOURCE

FIRST = JoiningReplica("Replica0001", User("donor0001", Secret("one")), "slave0001")
SECOND = JoiningReplica("Replica0002", User("donor0002", Secret("two")), "slave0002", "replay")
DONOR = DonorService((FIRST, SECOND), certificate="PEM", key=Secret("KEY"), rate_limit=20)
DOCUMENT = replace(SOURCE, section=replace(SOURCE.section, donor=DONOR))


class Donor:
    def __init__(self, folder: Path) -> None:
        self.starts = 0
        self.file = folder / "donor.json"
        self.access = DonorAccess(self.file, "/run/s", self._start)

    def serve(self, document: Document, *records: DonorRecord) -> None:
        self.access.serve(document, FRESH_SERVER, records)

    def _start(self) -> None:
        self.starts += 1


@pytest.fixture
def donor(tmp_path: Path) -> Donor:
    return Donor(tmp_path)


def test_a_waiting_replica_is_served(donor: Donor) -> None:
    donor.serve(DOCUMENT)

    configuration = read_configuration(donor.file)
    assert configuration is not None
    assert [(each.node, each.password.reveal()) for each in configuration.replicas] == [
        ("Replica0001", "one")
    ]
    assert (configuration.certificate, configuration.key.reveal(), configuration.rate_limit) == (
        "PEM",
        "KEY",
        20,
    )
    assert donor.file.stat().st_mode & 0o077 == 0
    assert donor.starts == 1


def test_the_donor_ends_when_the_seed_is_over(donor: Donor) -> None:
    donor.serve(DOCUMENT)

    donor.serve(DOCUMENT, DonorRecord(DonorEntry.from_replica(FIRST), is_over=True))

    assert not donor.file.exists()
    assert donor.starts == 1


@pytest.mark.parametrize("document", [SOURCE, REPLICA], ids=["no donor", "replica"])
def test_the_donor_ends_when_no_document_names_it(donor: Donor, document: Document) -> None:
    donor.serve(DOCUMENT)

    donor.serve(document)

    assert not donor.file.exists()


def test_a_mysql_has_no_donor() -> None:
    server = replace(FRESH_SERVER, history=MysqlHistory())

    assert plan_donor(DOCUMENT, server, (), "/run/s") is None
