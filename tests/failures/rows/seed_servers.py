"""Seeds between servers whose settings, versions, plugins, privileges or disks do not allow them."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from guestagent.embedded.database_servers import FLAVOURS
from tests.failures.row import FailureArea, expect_final
from tests.failures.seeding import DONOR_USER, open_seeding
from tests.failures.server_pair import IMAGE_OPTIONS, ApplyAnswer, Node, Pair
from tests.support.database_servers import install_data_directory, open_server
from tests.support.small_disk import mount_small_disk

area = FailureArea("servers of a seed")
ScenarioAnswers = Generator[ApplyAnswer, None, None]
DISK_MIB = 128
OTHER_SERIES = {"mariadb1011": "mariadb118", "mariadb118": "mariadb1011"}


@area.row(
    mariadb=expect_final("seed", "lower_case_table_names is 0 at the source and 1 here"),
    mysql=expect_final(
        "seed", "the source cannot be cloned to this server: character_set_server utf8mb4 there"
    ),
    heals=False,
)
def a_replica_with_other_settings_of_the_data_files(pair: Pair) -> ScenarioAnswers:
    option = pair.choose_statement(mariadb="lower-case-table-names=1", mysql="character-set-server=latin1")
    with open_seeding(pair, "auto", option) as seeding:
        seeding.prepare_source()
        yield seeding.seed()
        seeding.check_untouched()


@area.row(
    mariadb1011=expect_final("seed", "cannot take over the files of 10.11"),
    mariadb118=expect_final("seed", "cannot take over the files of 11.8"),
    heals=False,
)
def a_replica_of_another_series(pair: Pair) -> ScenarioAnswers:
    with open_other_replica(pair) as other_pair, open_seeding(other_pair) as seeding:
        seeding.prepare_source()
        yield seeding.seed()
        seeding.check_untouched()


@contextmanager
def open_other_replica(pair: Pair) -> Iterator[Pair]:
    """Run a replica of the other series of MariaDB in place of the pair's own."""
    flavour = FLAVOURS[OTHER_SERIES[pair.flavour.name]]
    server = pair.replica.server
    server.stop()
    try:
        with tempfile.TemporaryDirectory(prefix="guestagent-failures-") as name:
            folder = Path(name)
            (folder / "agent").mkdir()
            template = install_data_directory(folder / "template", flavour)
            with open_server(
                folder / "s", template, "server-id=2", *IMAGE_OPTIONS["mariadb"],
                flavour=flavour, address=server.address, namespace=server.namespace,
            ) as other_server:  # fmt: skip
                yield Pair(pair.flavour, pair.link, pair.source, Node(other_server, folder / "agent"))
    finally:
        server.start()


@area.row(
    mariadb=expect_final("seed", "innodb_log_group_home_dir is"),
    heals=False,
)
def data_outside_of_the_data_directory(pair: Pair) -> ScenarioAnswers:
    server = pair.replica.server
    folder = server.folder / "logs"
    folder.mkdir()
    with open_seeding(pair) as seeding:
        server.stop()
        (server.folder / "data" / "ib_logfile0").rename(folder / "ib_logfile0")
        server.start(f"innodb-log-group-home-dir={folder}")
        seeding.prepare_source()
        yield seeding.seed()
        seeding.check_untouched()
        server.stop()
        (folder / "ib_logfile0").rename(server.folder / "data" / "ib_logfile0")
        folder.rmdir()
        server.start()
        seeding.check_healed()


@area.row(
    mariadb=expect_final("seed", "MiB are free; use a larger disk"),
    mysql=expect_final("seed", "CLONE failed: the disk is full"),
    heals=False,
)
def a_disk_that_is_too_small(pair: Pair) -> ScenarioAnswers:
    with move_data_to_small_disk(pair.replica), open_seeding(pair) as seeding:
        seeding.prepare_source()
        yield seeding.seed()
        seeding.check_empty()


@contextmanager
def move_data_to_small_disk(node: Node) -> Iterator[None]:
    """Within the block, let the server run on a disk of its own."""
    server, data = node.server, node.server.folder / "data"
    original = data.with_name("original")
    server.stop()
    data.rename(original)
    with mount_small_disk(data, DISK_MIB):
        shutil.copytree(original, data, dirs_exist_ok=True)
        server.start()
        try:
            yield
        finally:
            server.stop(signal.SIGKILL)
    data.rmdir()
    original.rename(data)
    server.start()


@area.row(mysql=expect_final("seed", "the source has not loaded the clone plugin"), heals=False)
def no_clone_plugin_at_the_source(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        pair.source.server.execute("UNINSTALL PLUGIN clone")
        yield seeding.seed_once()
        seeding.check_untouched()
        seeding.prepare_source(Generation=2)
        seeding.check_healed()


@area.row(mysql=expect_final("seed", "the clone plugin cannot be loaded"), heals=False)
def a_clone_plugin_that_is_disabled_on_the_replica(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair, "auto", "loose-clone=OFF") as seeding:
        seeding.prepare_source()
        yield seeding.seed()
        seeding.check_empty()


@area.row(
    mysql=expect_final("seed", "the donor account lacks BACKUP_ADMIN"),
    heals=False,
)
def a_donor_account_without_its_privilege(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        pair.source.server.execute(f"REVOKE BACKUP_ADMIN ON *.* FROM {DONOR_USER}@'%'")
        yield seeding.seed_once()
        seeding.check_empty()
        seeding.prepare_source(Generation=2)
        seeding.check_healed()


@area.row(
    mariadb=expect_final("seed", "an unknown user, a user for other hosts"),
    mysql=expect_final("seed", f"the donor account {DONOR_USER} lacks EVENT"),
    heals=False,
)
def a_dump_with_a_donor_account_of_another_method(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        yield seeding.seed(seeding={"Method": "dump", "Deadline": 1})
        seeding.check_untouched()


@area.row(mysql=expect_final("seed", "max_allowed_packet of the source is too small for CLONE"), heals=False)
def a_small_packet_limit_at_the_source(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        server = pair.source.server
        limit = server.query_value("@@max_allowed_packet")
        server.execute("SET GLOBAL max_allowed_packet = 1048576")
        yield seeding.seed()
        seeding.check_empty()
        server.execute(f"SET GLOBAL max_allowed_packet = {limit}")
        seeding.check_healed()


@area.row(expect_final("seed", "it cannot keep the old data until the new ones are there"), heals=False)
def a_reseed_by_dump_that_must_keep_the_old_data(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair, "dump") as seeding:
        seeding.prepare_source()
        pair.replica.server.execute("CREATE DATABASE own", "CREATE TABLE own.t (id INT)")
        yield seeding.seed(seeding={"Reseed": True})
        assert pair.replica.server.execute("SHOW DATABASES LIKE 'own'")
        seeding.check_healed(seeding={"Reseed": True, "Discard": True})


@area.row(expect_final("seed", "`d`.`f` has values of type FLOAT with more than six digits"), heals=False)
def a_dump_of_values_that_it_would_round(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair, "dump") as seeding:
        seeding.prepare_source()
        pair.source.server.execute("CREATE TABLE d.f (x FLOAT)", "INSERT INTO d.f VALUES (0.1234567)")
        yield seeding.seed()
        seeding.check_untouched()
        pair.source.server.execute("DROP TABLE d.f")
        seeding.check_healed()


@area.row(
    mariadb=expect_final("seed", "Plugin 'ed25519' is not loaded; install the same plugins"), heals=False
)
def a_dump_with_an_account_whose_plugin_is_missing(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair, "dump") as seeding:
        seeding.prepare_source()
        pair.source.server.execute(
            "INSTALL SONAME 'auth_ed25519'",
            "CREATE USER sealed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('word')",
        )
        yield seeding.seed()
        pair.replica.server.execute("INSTALL SONAME 'auth_ed25519'")
        seeding.check_healed()
        for node in (pair.source, pair.replica):
            node.server.execute("UNINSTALL SONAME 'auth_ed25519'")
