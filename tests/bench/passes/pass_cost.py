"""Processor time of quiet passes of a resident agent, on servers with many accounts and long GTID sets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from guestagent.embedded.database_servers import Flavour
from tests.bench.passes.report import PassRow
from tests.bench.ready.bench_nodes import REPLICA, SOURCE, BenchNode, BenchPair, open_pair
from tests.support.database_servers import DatabaseServer

READY_TIMEOUT_S = 600.0
INTERVAL_S = 0.5
DEADLINE_S = 500
RUN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from guestagent.cli.command_line import main; sys.exit(main())"
CHECKOUT = Path(__file__).parents[3]
OTHER_UUID = "8a94f357-aab4-11df-86ab-c80aa9429562"


def measure(
    flavour: Flavour,
    accounts: int,
    intervals: int,
    passes: int,
    beside: Path | None,
    say: Callable[[str], None],
) -> list[PassRow]:
    """Measure a source with many accounts, and then, on new servers, a replica with a long GTID set."""
    rows = []
    with open_pair(flavour) as stage:
        with stage.open_nodes() as places:
            source = places[SOURCE]
            make_ready(stage, source, build_source(source, accounts))
            rows.append(_compare(source, f"a source with {accounts} accounts", passes, beside, say))
        with stage.open_nodes() as places:
            source, replica = places[SOURCE], places[REPLICA]
            lengthen_history(source.server, replica.server, intervals)
            make_ready(stage, source, source.build_document())
            make_ready(stage, replica, replica.build_document())
            title = "a replica with a GTID set of {} {}".format(
                intervals, "intervals" if flavour.family == "mysql" else "domains"
            )
            rows.append(_compare(replica, title, passes, beside, say))
    return rows


def _compare(
    place: BenchNode, title: str, passes: int, beside: Path | None, say: Callable[[str], None]
) -> PassRow:
    """Measure both checkouts on one server, with one state folder, one after the other."""
    before = () if beside is None else measure_passes(place, beside, passes)
    own_times = measure_passes(place, CHECKOUT, passes)
    row = PassRow(place.server.flavour.name, title, own_times, before)
    say(f"{row.flavour}, {title}: before {before}, now {own_times}")
    return row


def build_source(place: BenchNode, accounts: int) -> dict[str, Any]:
    """Build the document of a source with many accounts."""
    document = place.build_document()
    users = [
        {"name": f"slave{number:04d}", "password": f"pass phrase {number}"} for number in range(accounts)
    ]
    return {**document, "Users": users, "GuestAgent": {**document["GuestAgent"], "Deadline": DEADLINE_S}}


def lengthen_history(source: DatabaseServer, replica: DatabaseServer, intervals: int) -> None:
    """Give both servers one long history: of gaps on a MySQL, of domains on a MariaDB, which has no gaps."""
    if source.flavour.family == "mysql":
        numbers = ":".join(str(2 * number + 1) for number in range(intervals))
        for server in (source, replica):
            server.execute(
                "RESET BINARY LOGS AND GTIDS", f"SET GLOBAL gtid_purged = '{OTHER_UUID}:{numbers}'"
            )
    else:
        gtids = ",".join(f"{number}-9-7" for number in range(1, intervals + 1))
        source.execute("RESET MASTER", f"SET GLOBAL gtid_binlog_state = '{gtids}'")
        # It writes a row for each, and waits for its disk as often.
        replica.execute(
            "SET GLOBAL innodb_flush_log_at_trx_commit = 0", f"SET GLOBAL gtid_slave_pos = '{gtids}'"
        )


def make_ready(stage: BenchPair, place: BenchNode, document: dict[str, Any]) -> None:
    """Make the node ready with the agent of this checkout."""
    with _run_agent(place, CHECKOUT, document):
        until = time.monotonic() + READY_TIMEOUT_S
        assert stage.wait_for_success(place.role, until) is not None, (place.folder / "log").read_text()[
            -2000:
        ]


def measure_passes(place: BenchNode, checkout: Path, passes: int) -> tuple[float, ...]:
    """Return the processor seconds of single passes. The first one after a start checks everything, and is not counted.

    Every pass ends with a status that is written anew.
    """
    status = place.folder / "guestagent" / "status.json"
    observed_at = _read_time(status)
    with _run_agent(place, checkout, None) as agent:
        spent: list[float] = []
        for number in range(passes + 2):
            before = _read_processor_time(agent)
            observed_at = _wait_for_newer_status(status, observed_at)
            if number >= 2:
                spent.append(round(_read_processor_time(agent) - before, 4))
        return tuple(spent)


def _read_processor_time(process: psutil.Process) -> float:
    """Return the seconds of all threads in nanosecond resolution: a quick pass takes less than a clock tick."""
    threads = Path(f"/proc/{process.pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def _wait_for_newer_status(status: Path, last: float) -> float:
    """Wait for a status that is newer than `last` and ready; return its time."""
    until = time.monotonic() + READY_TIMEOUT_S
    while (observed_at := _read_time(status)) == last or _read_state(status) != "ready":
        assert time.monotonic() < until, "the agent takes no look"
        time.sleep(0.01)
    return observed_at


def _read_time(status: Path) -> float:
    return status.stat().st_mtime if status.exists() else 0.0


def _read_state(status: Path) -> object:
    return json.loads(status.read_text())["state"] if status.exists() else None


@contextmanager
def _run_agent(place: BenchNode, checkout: Path, document: dict[str, Any] | None) -> Iterator[psutil.Process]:
    """Run `guestagent serve` of a checkout on the node; deliver the document, or keep the present one if it is None."""
    config = place.folder / "guestagent.conf"
    config.write_text(f"[DEFAULT]\ninterval = {INTERVAL_S}\n[database]\ntimeout = 60\n")
    python = (sys.executable, "-c", RUN, str(checkout))
    options = ("--config", str(config))
    with (place.folder / "log").open("ab") as log:
        serving = subprocess.Popen(
            (*place.command_prefix, *python, "serve", *options),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            if document is not None:
                path = place.folder / "cfn.json"
                path.write_text(json.dumps(document))
                files = {"OS_CONFIG_FILES": str(path), **os.environ}
                poke = (*place.command_prefix, *python, "poke", *options)
                subprocess.run(poke, check=True, env=files, stdout=log, stderr=log)
            yield psutil.Process(serving.pid)
        finally:
            serving.terminate()
            serving.wait(READY_TIMEOUT_S)
