"""Accounts of donors and of verification on real servers: each can do what it is for, and has nothing else."""

from __future__ import annotations

import subprocess
from contextlib import closing
from pathlib import Path

import pymysql
import pytest

from guestagent.database.account_purpose import AccountPurpose
from guestagent.database.copy_note import CopyNote
from guestagent.database.login import connect_tcp
from guestagent.database.mysql.clone import read_own_note, read_uncloned_tables
from guestagent.database.protocols import Database
from guestagent.database.state import Account
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
    DropAccount,
    LoadClonePlugin,
    SetCopyNote,
    SetPrivileges,
)
from guestagent.embedded.database_servers import Flavour, build_root_command
from guestagent.metadata.document import Tls
from tests.support.database_servers import DatabaseServer, open_server, provide_server_root
from tests.support.family_statements import limit_to_family
from tests.support.polling import wait_until
from tests.support.replication import PASSWORD, REPLICATOR, read_account, start_replication

LOGIN_TIMEOUT_S = 60.0
MYSQL_ALONE = limit_to_family("mysql")
SEED = Account("seed0000", "%")
ROWS = (
    "CREATE DATABASE d",
    "CREATE TABLE d.t (id INT PRIMARY KEY, a INT)",
    "INSERT INTO d.t VALUES (1, 2)",
    "CREATE VIEW d.v AS SELECT * FROM d.t",
    "CREATE TRIGGER d.tr BEFORE INSERT ON d.t FOR EACH ROW SET NEW.a = 1",
    "CREATE PROCEDURE d.p() SELECT 1",
    "CREATE FUNCTION d.f() RETURNS INT DETERMINISTIC RETURN 1",
    "CREATE EVENT d.e ON SCHEDULE EVERY 1 DAY DO SELECT 1",
)
OBJECTS = ("INSERT INTO `t`", "VIEW `v`", "SET NEW.a = 1", "PROCEDURE `p`", "FUNCTION `f`", "EVENT `e`")
DUMP_COMMANDS = {
    "mariadb": ("/usr/bin/mariadb-dump", "--master-data=1", "--gtid", "--ssl=0"),
    "mysql": ("/usr/bin/mysqldump", "--set-gtid-purged=ON", "--no-tablespaces"),
}
POSITIONS = {"mariadb": "SET GLOBAL gtid_slave_pos=", "mysql": "SET @@GLOBAL.GTID_PURGED="}

pytestmark = pytest.mark.every_server


def create_account(database: Database, purpose: AccountPurpose) -> None:
    database.apply(CreateMarker())
    database.apply(CreateAccount(SEED, PASSWORD, purpose=purpose))


def run_dump(server: DatabaseServer) -> subprocess.CompletedProcess[str]:
    """Dump a schema over TCP with the donor account."""
    program, *options = DUMP_COMMANDS[server.flavour.family]
    argv = (
        program,
        "--no-defaults",
        "--host=127.0.0.1",
        f"--port={server.port}",
        f"--user={SEED.name}",
        *options,
        *("--single-transaction", "--routines", "--events", "--triggers", "--databases", "d"),
    )
    command = build_root_command(provide_server_root(server.flavour), argv)
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={"MYSQL_PWD": PASSWORD.reveal()}
    )


@pytest.mark.parametrize("purpose", [AccountPurpose.DUMP, AccountPurpose.VERIFICATION])
def test_an_account_has_exactly_the_privileges_of_its_purpose(
    database: Database, server: DatabaseServer, purpose: AccountPurpose
) -> None:
    create_account(database, purpose)

    account_state = read_account(database, SEED)

    assert account_state.privileges == database.dialect.get_privileges(purpose)
    assert (account_state.has_other_privileges, account_state.is_marked) == (False, True)


def test_other_privileges_are_reduced_to_those_of_the_purpose(
    database: Database, server: DatabaseServer
) -> None:
    create_account(database, AccountPurpose.VERIFICATION)
    server.execute(
        "CREATE DATABASE d", "GRANT ALL ON d.* TO seed0000", "GRANT INSERT, PROCESS ON *.* TO seed0000"
    )

    database.apply(SetPrivileges(SEED, AccountPurpose.DUMP))

    account_state = read_account(database, SEED)
    assert account_state.privileges == database.dialect.get_privileges(AccountPurpose.DUMP)
    assert (account_state.has_other_privileges, account_state.is_marked) == (False, True)


def test_a_dump_account_dumps_all_objects_and_the_position(
    database: Database, server: DatabaseServer
) -> None:
    server.execute(*ROWS)
    create_account(database, AccountPurpose.DUMP)

    dump = run_dump(server)

    assert dump.returncode == 0, dump.stderr
    assert "denied" not in dump.stderr
    for text in (*OBJECTS, POSITIONS[server.flavour.family]):
        assert text in dump.stdout


def test_a_dump_account_needs_each_of_its_privileges(database: Database, server: DatabaseServer) -> None:
    server.execute(*ROWS)
    create_account(database, AccountPurpose.DUMP)

    for privilege in sorted(database.dialect.get_privileges(AccountPurpose.DUMP)):
        server.execute(f"REVOKE {privilege} ON *.* FROM seed0000")
        dump = run_dump(server)
        server.execute(f"GRANT {privilege} ON *.* TO seed0000")

        assert dump.returncode != 0 or not all(text in dump.stdout for text in OBJECTS), privilege


def test_a_verification_account_reads_all_and_writes_nothing(
    database: Database, server: DatabaseServer
) -> None:
    server.execute(*ROWS)
    create_account(database, AccountPurpose.VERIFICATION)

    with (
        closing(
            pymysql.connect(host="127.0.0.1", port=server.port, user=SEED.name, password=PASSWORD.reveal())
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT COUNT(*) FROM d.v")
        rows = cursor.fetchall()
        cursor.execute("SHOW CREATE VIEW d.v")
        with pytest.raises(pymysql.MySQLError, match=r"1142|denied"):
            cursor.execute("INSERT INTO d.t VALUES (2, 2)")

    assert rows == ((1,),)


@pytest.mark.parametrize("option", ["performance-schema=ON", "performance-schema=OFF"])
def test_the_users_of_channels_are_observed(
    flavour: Flavour, data_template: Path, tmp_path: Path, replica: Database, option: str
) -> None:
    with (
        open_server(tmp_path / "s", data_template, "server-id=3", option, flavour=flavour) as server,
        closing(server.open()) as database,
    ):
        database.apply(CreateMarker())
        database.apply(CreateAccount(REPLICATOR, PASSWORD))
        before = database.observe().replica_users
        start_replication(replica, server)

        wait_until(lambda: database.observe().replica_users == {REPLICATOR.name})

        assert before == frozenset()


def test_a_drop_reaches_a_replica(source: DatabaseServer, database: Database, replica: Database) -> None:
    database.apply(CreateAccount(SEED, PASSWORD, purpose=AccountPurpose.DUMP))
    start_replication(replica, source)
    wait_until(lambda: replica.observe().find_account(SEED) is not None)

    database.apply(DropAccount(SEED))

    wait_until(lambda: replica.observe().find_account(SEED) is None)


@MYSQL_ALONE
class TestClone:
    def test_a_clone_account_has_nothing_but_backup_admin(
        self, database: Database, server: DatabaseServer
    ) -> None:
        create_account(database, AccountPurpose.CLONE)

        account_state = read_account(database, SEED)

        assert account_state.privileges == {"BACKUP_ADMIN"}
        assert (account_state.has_other_privileges, account_state.is_marked) == (False, True)

    def test_a_clone_account_can_read_what_a_clone_would_lack_and_sees_no_table(
        self, database: Database, server: DatabaseServer
    ) -> None:
        create_account(database, AccountPurpose.CLONE)
        server.execute("CREATE SCHEMA d", "CREATE TABLE d.`it's` (id INT) ENGINE = MyISAM")
        note = database.observe().copy_note
        assert note is not None

        database.apply(SetCopyNote(SEED, note))

        with closing(
            connect_tcp("127.0.0.1", server.port, SEED.name, PASSWORD, Tls(), LOGIN_TIMEOUT_S)
        ) as connection:
            assert read_own_note(connection) == CopyNote(("d.it's",))
            assert read_uncloned_tables(connection) == ()
        assert read_account(database, SEED).copy_note == note

    def test_a_server_without_a_clone_account_does_not_look_for_tables(self, database: Database) -> None:
        create_account(database, AccountPurpose.DUMP)

        assert database.observe().copy_note is None

    def test_the_plugin_is_loaded_on_a_super_read_only_server_and_not_logged(
        self, database: Database, server: DatabaseServer
    ) -> None:
        before, position = database.observe().clone_plugin, server.read_position()
        server.execute("SET GLOBAL super_read_only = 1")

        database.apply(LoadClonePlugin())

        try:
            assert (before, database.observe().clone_plugin) == ("", "ACTIVE")
            assert server.read_position() == position
            assert server.query_value("@@super_read_only") == "1"
        finally:
            server.execute("SET GLOBAL read_only = 0", "UNINSTALL PLUGIN clone")
