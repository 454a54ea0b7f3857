"""Runs rows one after another on one flavour, on the same pair of servers as long as it can be reset."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

import pymysql

from guestagent.embedded.database_servers import Flavour
from tests.failures.row import Expectation, FailureRow
from tests.failures.server_pair import ApplyAnswer, Pair, open_pair


@dataclass(frozen=True, slots=True)
class Outcome:
    """`deviation`: the difference from the row's expectation; "" if there is none."""

    row: FailureRow
    flavour: str
    expectation: Expectation
    answer: ApplyAnswer | None
    deviation: str = ""


class RowRunner:
    """Runs rows on a pair of servers of one flavour.

    It opens the pair when it is first needed, and a new one after a scenario has spoiled it.
    """

    def __init__(self, folder: Path, template: Path, flavour: Flavour, subnet: IPv4Network) -> None:
        self._folder, self._template, self._flavour, self._subnet = folder, template, flavour, subnet
        self._numbers = itertools.count()
        self._stack = ExitStack()
        self._pair: Pair | None = None

    def run_row(self, row: FailureRow) -> Outcome | None:
        """Run a scenario and compare; return None if this flavour cannot fail in this way."""
        expectation = row.select_expectation(self._flavour.name, self._flavour.family)
        if expectation is None:
            return None
        answer: ApplyAnswer | None = None
        try:
            with self._open_fresh_pair() as pair:
                with closing(row.scenario(pair)) as scenario:
                    answer = next(scenario)
                    deviation = "" if expectation.matches(answer) else "the agent reports something else"
                    for _ in scenario:
                        raise AssertionError("a scenario yields once")
                if row.is_healed and not deviation:
                    healed = pair.apply_on_replica()
                    assert healed.is_ready, (
                        f"not ready after the cause was removed: {healed.worst_condition}: {healed.reason}"
                    )
                    pair.compare_rows()
        except AssertionError as error:
            deviation = str(error)
        except (pymysql.MySQLError, subprocess.SubprocessError, OSError) as error:
            deviation = f"{type(error).__name__}: {error}"
        return Outcome(row, self._flavour.name, expectation, answer, deviation)

    def close(self) -> None:
        self._stack.close()
        self._pair = None

    @contextmanager
    def _open_fresh_pair(self) -> Iterator[Pair]:
        """Yield a pair without data. Close it after the block if it cannot be reset."""
        if self._pair is None:
            folder = self._folder / str(next(self._numbers))
            self._pair = self._stack.enter_context(
                open_pair(folder, self._template, self._flavour, self._subnet)
            )
        is_reset = False
        try:
            yield self._pair
            if not self._pair.is_spoiled:
                self._pair.reset()
                is_reset = True
        finally:
            if not is_reset:
                self.close()
