"""`guestagent verify` distinguishes all values of all column types."""

from __future__ import annotations

from tests.support.verified_pair import VerifiedPair

VALUES = (
    ("tinyint", "1", "2"),
    ("bigint unsigned", "18446744073709551615", "18446744073709551614"),
    ("int zerofill", "5", "NULL"),
    ("float", "1.0000001", "1.0000002"),
    ("float(7,3)", "3.141", "3.142"),
    ("double", "0.1e0 + 0.2e0", "0.3e0"),
    ("double(10,2)", "1.25", "1.26"),
    ("decimal(30,10)", "1.0000000001", "1.0000000002"),
    ("bit(64)", "b'1'", "b'11'"),
    ("bit(1)", "b'1'", "b'0'"),
    ("year", "2026", "2027"),
    ("date", "'0000-00-00'", "NULL"),
    ("datetime(6)", "'2026-01-01 00:00:00.000001'", "'2026-01-01 00:00:00.000002'"),
    ("timestamp(3) null", "'2026-01-01 00:00:00.001'", "'2026-01-01 00:00:00.002'"),
    ("time(6)", "'-838:59:58.5'", "'-838:59:58.25'"),
    ("char(10)", "'a'", "'A'"),
    ("varchar(20)", "''", "NULL"),
    ("varchar(20)", "'NULL'", "NULL"),
    ("varchar(20)", "'-'", "NULL"),
    ("varchar(20)", "'a'", "'a '"),
    ("varchar(20) character set latin1", "'é'", "'è'"),
    ("varchar(20) character set utf8mb4", "'😀'", "'😁'"),
    ("text character set utf16", "'a'", "'á'"),
    ("varbinary(10)", "X'00'", "X'0000'"),
    ("binary(5)", "X'01'", "X'02'"),
    ("blob", "''", "NULL"),
    ("longblob", "REPEAT('x', 100000)", "CONCAT(REPEAT('x', 99999), 'y')"),
    ("enum('a', '', 'b')", "'b'", "''"),
    ("set('x', 'y', 'z')", "'x,z'", "'x'"),
    ("json", """'{"a": [1, null], "b": 1.5}'""", """'{"a": [1, null], "b": 1.25}'"""),
    ("geometry", "ST_GeomFromText('POINT(1 2)', 4326)", "ST_GeomFromText('POINT(1 2)', 0)"),
)
"""A type, a value of the source, and another one of the replica. Strings next to each other must not be mixed up."""

FURTHER_VALUES = {
    "mariadb1011": (
        ("uuid", "'123e4567-e89b-12d3-a456-426655440000'", "'123e4567-e89b-12d3-a456-426655440001'"),
        ("inet6", "'::1'", "'::2'"),
        ("inet4", "'10.0.0.1'", "'10.0.0.2'"),
        ("varchar(50) compressed", "'a'", "'b'"),
        ("int invisible", "1", "2"),
    ),
    "mariadb118": (
        ("vector(2)", "Vec_FromText('[1,2]')", "Vec_FromText('[1,3]')"),
        ("int invisible", "1", "2"),
    ),
    "mysql97": (
        ("vector(2)", "STRING_TO_VECTOR('[1,2]')", "STRING_TO_VECTOR('[1,3]')"),
        ("int invisible", "1", "2"),
    ),
}


CHANGE = "UPDATE d.t SET c{key} = {value} WHERE id = {key}"
SESSION = "SET NAMES utf8mb4, SESSION sql_mode = 'STRICT_ALL_TABLES'"


def test_every_value_of_every_type_is_compared_exactly(pair: VerifiedPair) -> None:
    values = VALUES + FURTHER_VALUES[pair.source.server.flavour.name]
    columns = ", ".join(f"c{index} {kind}" for index, (kind, *_) in enumerate(values))
    keys = range(len(values))
    changes = [CHANGE.format(key=key, value=value) for key, (_, _, value) in enumerate(values)]
    undoing = [CHANGE.format(key=key, value=value) for key, (_, value, _) in enumerate(values)]
    rows = ", ".join(f"({key}, {', '.join(first for _, first, _ in values)})" for key in keys)
    pair.prepare()
    pair.source.server.execute(
        SESSION,
        f"CREATE TABLE d.t (id INT PRIMARY KEY, {columns}, s INT AS (id + 1) STORED, v INT AS (id + 2) VIRTUAL)",
        f"INSERT INTO d.t (id, {', '.join(f'c{key}' for key in keys)}) VALUES {rows}",  # noqa: S608
    )
    equal_code, equal_answer = pair.verify()
    # In two parts, because the number of differences that are reported is limited.
    pair.change_replica(SESSION, *changes[:20])
    _, first_answer = pair.verify()
    pair.change_replica(SESSION, *undoing[:20], *changes[20:])
    _, second_answer = pair.verify()

    found = [each["first_key"] for answer in (first_answer, second_answer) for each in answer["differences"]]
    assert (equal_code, equal_answer["rows"]) == (0, len(values))
    assert [f"id={key}" for key in keys if f"id={key}" not in found] == []


def test_a_table_without_snapshots_is_compared_while_it_is_quiet(pair: VerifiedPair) -> None:
    pair.prepare()
    pair.source.server.execute(
        "CREATE TABLE d.t (id INT PRIMARY KEY) ENGINE = MyISAM", "INSERT INTO d.t VALUES (1)"
    )
    quiet_code, _ = pair.verify()
    pair.change_replica("INSERT INTO d.t VALUES (2)")

    exit_code, answer = pair.verify()

    [uncompared] = [each for each in answer["uncompared"] if not each["is_expected"]]
    assert (quiet_code, exit_code, answer["result"]) == (0, 1, "incomplete")
    assert (uncompared["name"], "MyISAM has no snapshots" in uncompared["reason"]) == ("d.t", True)
