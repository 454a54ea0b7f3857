"""Runs rows one after the other on one flavour: on the same pair as long as it can be made new again."""

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
    """`trouble` is what went another way than the row says; "" where all of it held."""

    row: FailureRow
    flavour: str
    expectation: Expectation
    answer: ApplyAnswer | None
    deviation: str = ""


class RowRunner:
    """One flavour's pair of servers, made when it is first needed, and anew when a story has spoiled it."""

    def __init__(self, folder: Path, template: Path, flavour: Flavour, subnet: IPv4Network) -> None:
        self._folder, self._template, self._flavour, self._subnet = folder, template, flavour, subnet
        self._numbers = itertools.count()
        self._stack = ExitStack()
        self._pair: Pair | None = None

    def run_row(self, row: FailureRow) -> Outcome | None:
        """What came of the row; None where the flavour knows no such failure."""
        wanted = row.select_expectation(self._flavour.name, self._flavour.family)
        if wanted is None:
            return None
        told: ApplyAnswer | None = None
        try:
            with self._fresh() as fresh:
                with closing(row.scenario(fresh)) as story:
                    told = next(story)
                    trouble = "" if wanted.matches(told) else "the agent says something else"
                    for _ in story:
                        raise AssertionError("a story yields once")
                if row.is_healed and not trouble:
                    healed = fresh.apply_on_replica()
                    assert healed.is_ready, f"it does not heal: {healed.worst_condition}: {healed.reason}"
                    fresh.compare_rows()
        except AssertionError as error:
            trouble = str(error)
        except (pymysql.MySQLError, subprocess.SubprocessError, OSError) as error:
            trouble = f"{type(error).__name__}: {error}"
        return Outcome(row, self._flavour.name, wanted, told, trouble)

    def close(self) -> None:
        self._stack.close()
        self._pair = None

    @contextmanager
    def _fresh(self) -> Iterator[Pair]:
        """As new. What can no longer be made new after the block is thrown away."""
        if self._pair is None:
            folder = self._folder / str(next(self._numbers))
            self._pair = self._stack.enter_context(
                open_pair(folder, self._template, self._flavour, self._subnet)
            )
        whole = False
        try:
            yield self._pair
            if not self._pair.is_spoiled:
                self._pair.reset()
                whole = True
        finally:
            if not whole:
                self.close()
