"""A source with all kinds of objects and a replica that is seeded by its dump: real servers, and a worker."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from guestagent.database.driver import Row
from guestagent.secret import Secret
from guestagent.seeding import DonorEndpoint, SeedFiles, SeedMethod, SeedPhase, SeedRequest, SeedState
from guestagent.seeding.dump_dialect import DIALECTS
from guestagent.seeding.worker import run_seed
from tests.support.clone_nodes import START_SCRIPT, STOP_SCRIPT, Killed, KillingFiles
from tests.support.database_servers import DatabaseServer, provide_server_root
from tests.support.polling import wait_until
from tests.support.seed_nodes import fill_source, find_processes, kill

PASSWORD = Secret("d%'\"#; \\word 4711")
CHANNEL_PASSWORD = "channel word 0815"
WORKER_TIMEOUT_S = 120.0
TABLES = "shop.filler, shop.orders, shop.kinds, shop.links, `odd-name.x`.`a``b`"
OBJECTS = (
    "CREATE TABLE shop.kinds (id INT PRIMARY KEY, f FLOAT, d DOUBLE, n DECIMAL(20, 8), b VARBINARY(300), j JSON,"
    " w TIMESTAMP(6) NULL, s SET('a', 'b'), y YEAR, bits BIT(9), g INT AS (id + 1) STORED, u VARCHAR(80) CHARACTER SET"
    " utf8mb4, l VARCHAR(20) CHARACTER SET latin1, p GEOMETRY)",
    "INSERT INTO shop.kinds (id, f, d, n, b, j, w, s, y, bits, u, l, p) VALUES (0, 0.123457, 0.1234567890123456,"
    " 12345.67890123, 0x00270D0A5C22FF1A, '{\"a\": [1, \"x\\'y\"]}', '2020-03-29 01:30:00.123456', 'a,b', 1999,"
    " b'101010101', 'Zoë 🐘 \\r\\n;; DELIMITER', 'caf\u00e9', ST_GeomFromText('POINT(1 2)'))",
    "CREATE TABLE shop.links (id INT PRIMARY KEY, kind INT, FOREIGN KEY (kind) REFERENCES shop.kinds (id))",
    "INSERT INTO shop.links VALUES (1, 0), (2, NULL)",
    "CREATE SCHEMA `odd-name.x`",
    "CREATE TABLE `odd-name.x`.`a``b` (`c d` INT PRIMARY KEY, `select` TEXT)",
    "INSERT INTO `odd-name.x`.`a``b` VALUES (1, '-- Dump completed\\n-- SET GLOBAL gtid_slave_pos=''9-9-9'';')",
    "CREATE SCHEMA vacant",
    "CREATE TRIGGER shop.stamp BEFORE INSERT ON shop.links FOR EACH ROW SET NEW.kind = NULL",
    "CREATE FUNCTION shop.one() RETURNS INT RETURN 1",
    "CREATE PROCEDURE shop.note() BEGIN\n-- SET GLOBAL gtid_slave_pos='9-9-9';\nSELECT 1; END",
    "CREATE EVENT shop.tick ON SCHEDULE EVERY 1 SECOND DO INSERT INTO shop.orders (text) VALUES ('event')",
    "CREATE EVENT shop.off ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
    "CREATE ROLE boss",
    "GRANT SELECT ON shop.* TO boss",
    "CREATE USER owner@'10.%' IDENTIFIED BY 'owner word'",
    "GRANT INSERT, SELECT ON shop.links TO owner@'10.%'",
    "GRANT EXECUTE ON PROCEDURE shop.note TO owner@'10.%'",
    "GRANT boss TO owner@'10.%'",
    "CREATE DEFINER=owner@'10.%' VIEW shop.seen AS SELECT id, text FROM shop.orders",
)
FAMILY_OBJECTS = {
    "mariadb": (
        "SET DEFAULT ROLE boss FOR owner@'10.%'",
        "CREATE SEQUENCE shop.numbers START WITH 5",
        "SELECT NEXTVAL(shop.numbers)",
        "CREATE TABLE shop.past (id INT PRIMARY KEY, x INT) WITH SYSTEM VERSIONING",
        "INSERT INTO shop.past VALUES (1, 1)",
        "UPDATE shop.past SET x = 2",
    ),
    "mysql": ("ALTER USER owner@'10.%' DEFAULT ROLE boss",),
}
DEFINITIONS = (
    "SELECT trigger_name AS name, definer, action_statement, sql_mode FROM information_schema.triggers"
    " WHERE trigger_schema = 'shop'",
    "SELECT routine_name AS name, definer, routine_definition, sql_mode, character_set_client"
    " FROM information_schema.routines WHERE routine_schema = 'shop' ORDER BY 1",
    "SELECT event_name AS name, definer, event_definition, sql_mode, starts, interval_value, time_zone,"
    " character_set_client FROM information_schema.events WHERE event_schema = 'shop' ORDER BY 1",
    "SELECT table_name AS name, definer, security_type FROM information_schema.views WHERE table_schema = 'shop'",
    "SELECT schema_name AS name, default_collation_name FROM information_schema.schemata ORDER BY 1",
    "SHOW GRANTS FOR owner@'10.%'",
    "SHOW GRANTS FOR boss",
    "SHOW CREATE USER donor@'%'",
)


def fill_dump_source(source: DatabaseServer, mebibytes: int) -> None:
    """Fill a source with objects of all kinds, and remove its first logs."""
    family = source.flavour.family
    fill_source(source, mebibytes)
    source.execute("SET GLOBAL log_bin_trust_function_creators = 1", "SET NAMES utf8mb4", *OBJECTS)
    source.execute(*FAMILY_OBJECTS[family])
    source.execute(
        f"CREATE USER channel@'%' IDENTIFIED BY '{CHANNEL_PASSWORD}'",
        "GRANT REPLICATION SLAVE ON *.* TO channel@'%'",
    )
    create_donor_account(source)
    source.execute("FLUSH BINARY LOGS", "PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY")


def create_donor_account(source: DatabaseServer) -> None:
    """Create the donor account as the source's agent does."""
    password = PASSWORD.reveal().replace("\\", "\\\\").replace("'", "''")
    privileges = ", ".join(DIALECTS[source.flavour.family].privileges)
    source.execute(
        f"CREATE USER donor@'%' IDENTIFIED BY '{password}' REQUIRE SSL",
        f"GRANT {privileges} ON *.* TO donor@'%'",
    )


@dataclass(slots=True)
class DumpReplica:
    """A replica's server, which its scripts start and stop, and a worker that seeds it."""

    server: DatabaseServer
    source: DatabaseServer
    request: SeedRequest = field(init=False)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.request = SeedRequest(
            id="a1",
            method=SeedMethod.DUMP,
            family=self.server.flavour.family,
            node="Replica0001",
            socket=self.server.socket,
            data_directory=f"{self.data}/",
            donor=DonorEndpoint("127.0.0.1", self.source.port, "donor", PASSWORD, requires_tls=True),
        )
        command = " ".join(f"'{word}'" for word in self.server.build_argv(()))
        for name, script in (("start", START_SCRIPT), ("stop", STOP_SCRIPT)):
            path = self.folder / name
            path.write_text(script.format(folder=self.folder, command=command, environment=""))
            path.chmod(0o755)
        self.folder.joinpath("state").mkdir()

    @property
    def folder(self) -> Path:
        return self.server.folder

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def root(self) -> Path:
        return provide_server_root(self.server.flavour)

    @property
    def files(self) -> KillingFiles:
        return KillingFiles(self.folder / "state")

    @property
    def log(self) -> str:
        return (self.folder / "worker.log").read_text()

    @property
    def state(self) -> SeedState | None:
        return self.files.read_state()

    def start_server(self) -> None:
        subprocess.run([str(self.folder / "start")], check=True)
        wait_until(self.server.is_accepting_logins)

    def change_request(self, **values: object) -> None:
        self.request = replace(self.request, **values)  # type: ignore[arg-type]

    def change_donor(self, **values: object) -> None:
        self.change_request(donor=replace(self.request.donor, **values))  # type: ignore[arg-type]

    def seed_here(self, files: SeedFiles | None = None) -> SeedState:
        """Run the worker in this process, to its end."""
        # Here, because the one file imports the other's runner only where it is used.
        from tests.support.dump_worker import build_environment

        files = files or self.files
        files.write_request(self.request)
        state = run_seed(build_environment(files, self.root, self.folder, []))
        assert state is not None
        return state

    def kill_worker_at(self, is_fatal: object) -> None:
        """Run the worker in this process until it is killed."""
        files = self.files
        files.is_fatal = is_fatal  # type: ignore[assignment]
        with suppress(Killed):
            self.seed_here(files)
            raise AssertionError("the worker was not killed")

    def start_worker(self) -> None:
        self.files.write_request(self.request)
        folders = (self.folder / "state", self.root, self.folder)
        argv = [sys.executable, "-m", "tests.support.dump_worker", *map(str, folders)]
        with (self.folder / "worker.log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)

    def wait_for_worker(self) -> SeedState:
        assert self._process is not None
        self._process.wait(WORKER_TIMEOUT_S)
        assert self.state is not None, self.log
        return self.state

    def wait_for_bytes(self) -> None:
        """Wait until some of the dump has been executed."""
        wait_until(lambda: self._get_moved_bytes() > 0)

    def _get_moved_bytes(self) -> int:
        state = self.state
        is_moving = state is not None and state.phase is SeedPhase.TRANSFERRING
        return state.bytes_done if is_moving and state is not None else 0

    def kill_worker(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def list_children(self) -> dict[str, int]:
        """Return the process ids of the dump's programs by their names."""
        marks = {"dump": "--single-transaction", "load": f"--socket={self.server.socket} "}
        found = {name: find_processes(mark) for name, mark in marks.items()}
        found["load"] = [pid for pid in found["load"] if pid in find_processes("--binary-mode")]
        return {name: pids[0] for name, pids in found.items() if pids}

    def kill_server(self) -> None:
        with suppress(FileNotFoundError, ValueError):
            kill(int((self.folder / "pid").read_text()))

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill_worker()
        self.kill_server()

    def follow_source(self) -> None:
        """Point the channel as the agent does, and wait until all of the source's transactions are applied."""
        place = f"HOST='127.0.0.1', %s_PORT={self.source.port}, %s_USER='channel', %s_PASSWORD='{CHANNEL_PASSWORD}'"
        if self.server.flavour.family == "mysql":
            place = place.replace("%s", "SOURCE")
            self.server.execute(
                f"CHANGE REPLICATION SOURCE TO SOURCE_{place}, SOURCE_AUTO_POSITION=1, SOURCE_SSL=1",
                "START REPLICA",
            )
            executed = self.source.query_value("@@GLOBAL.gtid_executed")
            query = f"WAIT_FOR_EXECUTED_GTID_SET('{executed}', 50)"
        else:
            place = place.replace("%s", "MASTER")
            self.server.execute(
                f"CHANGE MASTER TO MASTER_{place}, MASTER_USE_GTID=slave_pos, MASTER_SSL=1,"
                " MASTER_SSL_VERIFY_SERVER_CERT=0",
                "START SLAVE",
            )
            query = f"MASTER_GTID_WAIT('{self.source.query_value('@@gtid_binlog_pos')}', 50)"
        assert self.server.query_value(query) == "0", self.server.execute("SHOW REPLICA STATUS")


def read_checksums(server: DatabaseServer) -> list[Row]:
    tables = TABLES if server.flavour.family == "mysql" else f"{TABLES}, shop.past"
    return server.execute(f"CHECKSUM TABLE {tables} EXTENDED")


def read_definitions(server: DatabaseServer) -> list[list[Row]]:
    return [server.execute("SET time_zone = '+00:00'", statement) for statement in DEFINITIONS]
