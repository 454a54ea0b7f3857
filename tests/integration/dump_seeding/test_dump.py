"""Seeds by a dump of real sources, with a writer on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from guestagent.secret import Secret
from guestagent.seeding import SeedMethod, SeedPhase
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import READ_ONLY_VARIABLES, DatabaseServer, open_server
from tests.support.dump_objects import read_definitions, read_object_checksums
from tests.support.seed_sources import PASSWORD_END, create_donor_account, run_writer
from tests.support.seeded_replica import SeededReplica


def test_a_replica_gets_all_rows_and_objects_under_writes(
    source: DatabaseServer, replica: SeededReplica
) -> None:
    with run_writer(source):
        replica.start_worker()
        state = replica.wait_for_worker()
        assert state.phase is SeedPhase.DONE, (state, replica.log)

    replica.follow_source(source)
    assert read_object_checksums(replica.server) == read_object_checksums(source)
    assert read_definitions(replica.server) == read_definitions(source)
    assert replica.server.query_value(f"@@{READ_ONLY_VARIABLES[source.flavour.family]}") == "1"
    assert replica.server.query_value("@@event_scheduler") == "ON"
    off, tick = replica.server.execute(
        "SELECT status AS status FROM information_schema.events WHERE event_name IN ('off', 'tick')"
        " ORDER BY event_name"
    )
    assert off["status"] == "DISABLED"
    assert "SIDE_DISABLED" in str(tick["status"])
    assert not list(replica.data.glob("guestagent-seed*"))


@pytest.mark.patient
def test_a_source_without_schemas_has_a_position(
    flavour: Flavour,
    data_template: Path,
    tmp_path: Path,
    authority: CertificateAuthority,
    replica: SeededReplica,
) -> None:
    options = ("server-id=3", *authority.valid.options)
    with open_server(tmp_path / "empty", data_template, *options, flavour=flavour) as source:
        create_donor_account(source, SeedMethod.DUMP)
        replica.change_donor(port=source.port)

        state = replica.seed()

        variable = "@@GLOBAL.gtid_executed" if flavour.family == "mysql" else "@@gtid_binlog_pos"
        assert (state.phase, state.position) == (SeedPhase.DONE, source.query_value(variable))


@pytest.mark.patient
def test_a_certificate_that_the_source_requires_is_presented(
    source: DatabaseServer, replica: SeededReplica, authority: CertificateAuthority
) -> None:
    source.execute("ALTER USER donor@'%' REQUIRE X509")
    certificate, key = authority.valid.texts
    replica.change_donor(ca=authority.text, verifies_name=True, certificate=certificate, key=Secret(key))

    state = replica.seed()

    source.execute("ALTER USER donor@'%' REQUIRE SSL")
    assert state.phase is SeedPhase.DONE, state


def test_the_password_is_in_no_log(source: DatabaseServer, replica: SeededReplica) -> None:
    replica.start_worker()
    state = replica.wait_for_worker()

    assert state.phase is SeedPhase.DONE, (state, replica.log)
    assert PASSWORD_END not in replica.server.read_all_logs()
    assert PASSWORD_END not in replica.log.encode()
