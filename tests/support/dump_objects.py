"""Objects of all kinds, which a dump has to copy."""

from __future__ import annotations

from guestagent.database.driver import Row
from tests.support.database_servers import DatabaseServer

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


def create_objects(source: DatabaseServer) -> None:
    """Create them beside the tables of `fill_source`."""
    source.execute("SET GLOBAL log_bin_trust_function_creators = 1", "SET NAMES utf8mb4", *OBJECTS)
    source.execute(*FAMILY_OBJECTS[source.flavour.family])


def read_object_checksums(server: DatabaseServer) -> list[Row]:
    tables = TABLES if server.flavour.family == "mysql" else f"{TABLES}, shop.past"
    return server.execute(f"CHECKSUM TABLE {tables} EXTENDED")


def read_definitions(server: DatabaseServer) -> list[list[Row]]:
    return [server.execute("SET time_zone = '+00:00'", statement) for statement in DEFINITIONS]
