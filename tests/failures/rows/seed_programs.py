"""Seeds whose programs are missing, are of another version, or fail."""

from __future__ import annotations

from collections.abc import Generator

from tests.failures.row import READY, FailureArea, expect_final
from tests.failures.seeding import open_seeding
from tests.failures.server_pair import ApplyAnswer, Pair

area = FailureArea("programs of a seed")
ScenarioAnswers = Generator[ApplyAnswer, None, None]


@area.row(mariadb=expect_final("seed", "mariadb-backup is not installed on this node"), heals=False)
def no_backup_program_on_the_replica(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        seeding.replica.remove_program("mariadb-backup")
        yield seeding.seed()
        seeding.check_untouched()
        seeding.replica.install()
        seeding.check_healed()


@area.row(mariadb=expect_final("seed", "the donor refuses: mariadb-backup does not run"), heals=False)
def no_backup_program_on_the_source(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        seeding.source.remove_program("mariadb-backup")
        yield seeding.seed_once()
        seeding.check_untouched()
        seeding.source.install()
        seeding.check_healed()


@area.row(mariadb=expect_final("seed", "the source's mariadb-backup is of version 10.5.99"), heals=False)
def a_backup_program_of_another_series_on_the_source(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        version = "mariadb-backup based on MariaDB server 10.5.99-MariaDB Linux (x86_64)"
        seeding.source.replace_program("mariadb-backup", f"echo '{version}' >&2")
        yield seeding.seed()
        seeding.check_untouched()
        seeding.source.install()
        seeding.check_healed()


@area.row(mariadb=expect_final("seed", "the backup has failed at the source: out of luck"), heals=False)
def a_backup_program_that_fails_on_the_source(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        real = seeding.source.build_real_command("mariadb-backup")
        command = f'[ "$1" = --backup ] || exec {real} "$@"\necho out of luck >&2\nexit 1'
        seeding.source.replace_program("mariadb-backup", command)
        yield seeding.seed_once()
        seeding.check_untouched()
        seeding.source.install()
        seeding.check_healed()


@area.row(mariadb=expect_final("seed", "the backup cannot be unpacked"), heals=False)
def a_stream_that_is_truncated_at_the_source(pair: Pair) -> ScenarioAnswers:
    yield from change_stream(pair, "{ head --bytes 1000000; cat >/dev/null; }")


@area.row(mariadb=expect_final("seed", "the backup cannot be unpacked"), heals=False)
def a_stream_that_is_corrupt_at_the_source(pair: Pair) -> ScenarioAnswers:
    yield from change_stream(pair, r"tr '\000' '\001'")


def change_stream(pair: Pair, change: str) -> ScenarioAnswers:
    """Send the backup through a command, while mariadb-backup claims that it is whole."""
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        real = seeding.source.build_real_command("mariadb-backup")
        seeding.source.replace_program("mariadb-backup", f'{real} "$@" | {change}')
        yield seeding.seed_once()
        seeding.check_untouched()
        seeding.source.install()
        seeding.check_healed()


@area.row(mariadb=READY, heals=False)
def no_zstd_on_the_replica(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        seeding.replica.remove_program("zstd")
        yield seeding.seed()
        pair.compare_rows()


@area.row(mariadb=READY, heals=False)
def no_zstd_on_the_source(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        seeding.source.remove_program("zstd")
        yield seeding.seed()
        pair.compare_rows()


@area.row(mariadb=expect_final("seed", "the backup cannot be unpacked: no more room"), heals=False)
def an_mbstream_that_fails_on_the_replica(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        seeding.replica.replace_program("mbstream", "echo no more room >&2\nexit 1")
        yield seeding.seed_once()
        seeding.check_untouched()
        seeding.replica.install()
        seeding.check_healed()


@area.row(mariadb=expect_final("seed", "the backup cannot be prepared: out of luck"), heals=False)
def a_backup_that_cannot_be_prepared(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        seeding.replica.replace_program("mariadb-backup", "echo out of luck >&2\nexit 1")
        yield seeding.seed_once()
        seeding.check_untouched()
        seeding.replica.install()
        seeding.check_healed()


@area.row(
    mariadb=expect_final("seed", "mariadb-dump is not installed on this node"),
    mysql=expect_final("seed", "mysqldump is not installed on this node"),
    heals=False,
)
def no_dump_program_on_the_replica(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair, "dump") as seeding:
        seeding.prepare_source()
        seeding.replica.remove_program(pair.choose_statement(mariadb="mariadb-dump", mysql="mysqldump"))
        yield seeding.seed()
        seeding.check_untouched()
        seeding.replica.install()
        seeding.check_healed()


@area.row(expect_final("seed", "has failed: out of luck"), heals=False)
def a_dump_program_that_fails(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair, "dump") as seeding:
        seeding.prepare_source()
        name = pair.choose_statement(mariadb="mariadb-dump", mysql="mysqldump")
        seeding.replica.replace_program(name, "echo out of luck >&2\nexit 2")
        yield seeding.seed_once()
        seeding.replica.install()
        seeding.check_healed()
