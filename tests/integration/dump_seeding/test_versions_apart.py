"""A dump between servers of two series, in both directions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import FLAVOURS
from guestagent.seeding import SeedMethod, SeedPhase
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import install_data_directory, open_server
from tests.support.dump_objects import create_objects
from tests.support.seed_sources import admit_replica, build_endpoint, fill_source, run_writer
from tests.support.seeded_replica import open_replica

ROWS = (
    "SELECT id, SHA2(pad, 256) AS pad FROM shop.filler ORDER BY id",
    "SELECT * FROM shop.orders ORDER BY id",
    "SELECT * FROM shop.kinds",
    "SELECT * FROM shop.links ORDER BY id",
    "SELECT * FROM `odd-name.x`.`a``b`",
    "SELECT shop.one()",
)
"""CHECKSUM TABLE of two series differs for some types."""


@pytest.mark.patient
@pytest.mark.parametrize(
    ("source_name", "replica_name"), [("mariadb1011", "mariadb118"), ("mariadb118", "mariadb1011")]
)
def test_a_replica_of_another_series_follows_after_a_dump(
    source_name: str, replica_name: str, authority: CertificateAuthority, tmp_path: Path
) -> None:
    source_flavour, flavour = FLAVOURS[source_name], FLAVOURS[replica_name]
    source_data = install_data_directory(tmp_path / "source-template", source_flavour)
    replica_data = install_data_directory(tmp_path / "replica-template", flavour)
    with open_server(
        tmp_path / "s", source_data, "server-id=1", *authority.valid.options, flavour=source_flavour
    ) as source:
        fill_source(source, 4)
        create_objects(source)
        admit_replica(source, SeedMethod.DUMP)
        endpoint = replace(build_endpoint(source), ca=authority.text, verifies_name=True)
        # Since 11.5 the rows of a system-versioned table end at a time that older servers do not know.
        source.execute("DROP TABLE shop.past")
        with open_replica(tmp_path / "replica", replica_data, flavour, SeedMethod.DUMP, endpoint) as replica:
            with run_writer(source):
                state = replica.seed()
            assert state.phase is SeedPhase.DONE, state
            replica.follow_source(source)
            for query in ROWS:
                assert replica.server.execute(query) == source.execute(query)
