"""The size of a source's data, which its signal tells to those who plan a copy."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from guestagent.agent.data_measurement import measure_data_size
from guestagent.agent.outcome import DataSize, Verdict
from guestagent.agent.signalling import build_entry
from tests.unit.golden.documents import FULL_REPLICA, FULL_SOURCE
from tests.unit.golden.node_states import REPLICA, SOURCE, build_report
from tests.unit.golden.status_files import CONDITIONS

SATISFIED_CONDITIONS = CONDITIONS[-1:]


def write_file(path: Path, size: int) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x" * size)


def measure_bytes(folder: Path) -> tuple[int, int | None] | None:
    size = measure_data_size(folder)
    return None if size is None else (size.data_bytes, size.log_bytes)


def test_data_and_binary_logs_are_measured_apart(tmp_path: Path) -> None:
    write_file(tmp_path / "ibdata1", 100)
    write_file(tmp_path / "shop/orders#P#p0.ibd", 30)
    write_file(tmp_path / "mysql-bin.000001", 7)
    write_file(tmp_path / "mysql-bin.1000000", 4)
    write_file(tmp_path / "mysql-bin.index", 1)

    assert measure_bytes(tmp_path) == (131, 11)


def test_temporary_tables_are_no_data(tmp_path: Path) -> None:
    write_file(tmp_path / "ibtmp1", 100)
    write_file(tmp_path / "#innodb_temp/temp_1.ibt", 100)

    assert measure_bytes(tmp_path) == (0, None)


def test_binary_logs_in_another_folder_are_unknown_and_not_zero(tmp_path: Path) -> None:
    write_file(tmp_path / "ibdata1", 100)

    assert measure_bytes(tmp_path) == (100, None)


def test_the_size_of_the_disk_and_the_time_come_along(tmp_path: Path) -> None:
    now = datetime(2026, 11, 29, 12, 0, 1, tzinfo=timezone.utc)

    size = measure_data_size(tmp_path, read_time=lambda: now)

    assert size is not None
    assert size.disk_bytes == shutil.disk_usage(tmp_path).total
    assert size.measured_at == "2026-11-29T12:00:01+00:00"


def test_links_are_not_followed(tmp_path: Path) -> None:
    write_file(tmp_path / "elsewhere/large", 100)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)

    size = measure_data_size(tmp_path / "data")

    assert size is not None
    assert size.data_bytes < 100 + len(str(tmp_path))


def test_too_many_files_are_not_measured(tmp_path: Path) -> None:
    for number in range(3):
        write_file(tmp_path / f"t{number}.ibd", 1)

    assert measure_data_size(tmp_path, file_limit=2) is None


def test_a_folder_that_cannot_be_read_has_no_size(tmp_path: Path) -> None:
    assert measure_data_size(tmp_path / "missing") is None


def test_a_ready_sources_signal_tells_the_size() -> None:
    report = build_report(
        Verdict.READY, replace(SOURCE, data_directory="/var/lib/mysql/"), SATISFIED_CONDITIONS
    )

    entry = build_entry(FULL_SOURCE, report, measure=lambda folder: DataSize(1 << 30, 5))

    assert (entry.outcome.data["data_bytes"], entry.outcome.data["log_bytes"]) == (1 << 30, 5)


def test_a_replicas_signal_does_not() -> None:
    report = build_report(
        Verdict.READY, replace(REPLICA, data_directory="/var/lib/mysql/"), SATISFIED_CONDITIONS
    )

    entry = build_entry(FULL_REPLICA, report, measure=lambda folder: DataSize(1, 1))

    assert "data_bytes" not in entry.outcome.data
