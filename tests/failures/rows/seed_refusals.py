"""Seeds that are refused before anything is written on the replica."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Generator

from guestagent.seeding.seed_folder import MARKER_FILE
from tests.failures.row import READY, FailureArea, expect_final, expect_late
from tests.failures.rows.encryption import build_tls_section, create_authority, serve_certificate
from tests.failures.seeding import SeedingPair, open_seeding
from tests.failures.server_pair import ApplyAnswer, Pair

area = FailureArea("seeds that are refused")
ScenarioAnswers = Generator[ApplyAnswer, None, None]


@area.row(expect_final("history", "errant"), heals=False, quick=True)
def a_new_replica_with_data_of_its_own(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        create_own_data(pair)
        yield seeding.seed()
        check_own_data(seeding)


@area.row(READY, heals=False)
def a_reseed_of_a_replica_with_data_of_its_own(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        create_own_data(pair)
        yield seeding.seed(seeding={"Reseed": True})
        pair.compare_rows()
        assert not pair.replica.server.execute("SHOW DATABASES LIKE 'own'")


@area.row(expect_final("history", "errant"), heals=False)
def data_with_the_marker_of_another_seed(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        create_own_data(pair)
        marker = pair.replica.server.folder / "data" / MARKER_FILE
        marker.write_text(json.dumps({"version": 1, "id": "0" * 32}))
        yield seeding.seed()
        marker.unlink()
        check_own_data(seeding)


@area.row(expect_final("seed", "no Seeding.Donor in the document"), heals=False)
def a_reseed_without_a_donor(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    yield pair.replica.apply(pair.build_replica_document(Seeding={"Reseed": True}))
    pair.compare_rows()


@area.row(expect_final("seed", "replay cannot replace data"), heals=False)
def a_reseed_by_replay(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair, "replay") as seeding:
        pair.prepare()
        yield seeding.seed(seeding={"Reseed": True})
        pair.compare_rows()


@area.row(
    mariadb=expect_final("seed", "the document asks for clone, which mariadb does not have"),
    mysql=expect_final("seed", "the document asks for backup, which mysql does not have"),
    heals=False,
)
def a_method_of_the_other_product(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        yield seeding.seed(seeding={"Method": pair.choose_statement(mariadb="clone", mysql="backup")})
        seeding.check_untouched()
        seeding.check_healed()


@area.row(mariadb=expect_final("seed", "has another fingerprint"), heals=False, quick=True)
def a_donor_with_the_certificate_of_another_cluster(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        yield seeding.seed(donor={"Fingerprint": "0" * 64})
        seeding.check_untouched()


@area.row(mariadb=expect_final("seed", "neither a fingerprint nor a CA is known"), heals=False)
def a_donor_that_cannot_prove_itself(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        yield seeding.seed(donor={"Fingerprint": None})
        seeding.check_untouched()


@area.row(mariadb=expect_final("seed", "has no certificate of the CA"), heals=False)
def a_donor_whose_certificate_the_ca_has_not_signed(pair: Pair) -> ScenarioAnswers:
    with tempfile.TemporaryDirectory() as folder, open_seeding(pair) as seeding:
        certificate = create_authority(pair, folder).valid
        serve_certificate(pair, certificate)
        seeding.prepare_source()
        tls = build_tls_section(certificate)
        yield seeding.seed(donor={"Fingerprint": None}, TLS=tls)
        seeding.check_untouched()
        seeding.check_healed(TLS=tls)


@area.row(
    mariadb=expect_final("seed", "it knows no joining replica with this node, account and password"),
    mysql=expect_final("seed", "cannot log in"),
    heals=False,
)
def a_wrong_password_of_the_donor_account(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        yield seeding.seed_once(password="wrong word")
        seeding.check_untouched()
        seeding.check_healed()


@area.row(
    mariadb=expect_final("seed", "no connection to the donor"),
    mysql=expect_final("seed", "cannot log in"),
    heals=False,
)
def a_source_whose_document_does_not_name_the_replica(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        pair.prepare_source()
        pair.create_rows()
        yield seeding.seed_once()
        seeding.check_untouched()
        seeding.prepare_source(Generation=2)
        seeding.check_healed()


@area.row(expect_late("seed", "not begun: the source has not answered yet"), heals=False)
def a_source_that_is_not_reached_by_an_empty_replica(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        pair.link.cut()
        yield seeding.seed(Deadline=3)
        pair.link.heal()
        seeding.check_untouched()
        seeding.check_healed()


@area.row(
    expect_late("seed", "requested, not begun yet; the agent starts its worker at every pass"), heals=False
)
def a_seed_worker_that_does_not_start(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        pair.replica.extra_settings = "[seeding]\nstart_command = false\n"
        yield seeding.seed(Deadline=3)
        seeding.check_untouched()
        seeding.replica.install()
        seeding.check_healed()


def create_own_data(pair: Pair) -> None:
    pair.replica.server.execute(
        "CREATE DATABASE own", "CREATE TABLE own.t (id INT)", "INSERT INTO own.t VALUES (7)"
    )


def check_own_data(seeding: SeedingPair) -> None:
    """Check that no seed was requested, and that the replica's own row is there."""
    assert seeding.read_state() is None
    assert seeding.pair.replica.server.query_value("(SELECT id FROM own.t)") == "7"
