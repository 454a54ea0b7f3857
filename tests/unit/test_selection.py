"""Which tests a run selects, in which order they start, and which of them share a worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from guestagent.embedded.servers import FLAVOURS
from tests.support.selection import SLOWEST_FIRST, TESTS, is_left_to_test_all, start_order, worker_group


@dataclass(frozen=True, slots=True)
class Parameters:
    params: dict[str, object]


@dataclass(frozen=True, slots=True)
class Item:
    """The part of a pytest item that the selection reads."""

    path: Path
    callspec: Parameters
    marks: list[str] = field(default_factory=list)

    def get_closest_marker(self, name: str) -> str | None:
        return name if name in self.marks else None


def item_in(file: str, *marks: str, **parameters: object) -> pytest.Item:
    return cast(pytest.Item, Item(TESTS / file, Parameters(parameters), [*marks]))


def left_out(*marks: str, **parameters: object) -> bool:
    return is_left_to_test_all(item_in("integration/test_tls.py", *marks, **parameters))


def test_one_server_of_each_family_is_enough() -> None:
    chosen = {name for name, flavour in FLAVOURS.items() if not left_out(flavour=flavour)}

    assert chosen == {"mariadb118", "mysql97"}
    assert {FLAVOURS[name].family for name in chosen} == {flavour.family for flavour in FLAVOURS.values()}


@pytest.mark.parametrize("name", FLAVOURS)
def test_a_test_whose_answer_differs_runs_on_every_server(name: str) -> None:
    assert not left_out("every_server", flavour=FLAVOURS[name])
    assert not left_out("every_server", server_name=name)


def test_a_patient_test_is_left_out_on_every_server() -> None:
    assert left_out("patient")
    assert left_out("patient", "every_server", flavour=FLAVOURS["mysql97"])


def test_a_test_without_a_server_is_selected() -> None:
    assert not left_out(rule="mariadb1011 is only a text here")


def test_tests_that_share_servers_share_a_worker() -> None:
    flavour = FLAVOURS["mysql97"]

    assert worker_group(item_in("integration/test_tls.py", flavour=flavour)) == "test_tls-mysql97"
    assert worker_group(item_in("failures/test_failures.py", server_name="mysql97")) == "test_failures-mysql97"
    assert worker_group(item_in("integration/database/test_channel.py", flavour=flavour)) == "database-mysql97"
    assert worker_group(item_in("heat/test_life.py")) == "heat-life"
    assert worker_group(item_in("heat/test_faults.py")) == worker_group(item_in("heat/test_expiry.py")) == "heat"


def test_a_test_that_shares_nothing_or_names_its_group_is_left_alone() -> None:
    assert worker_group(item_in("integration/test_cluster.py")) is None
    assert worker_group(item_in("integration/test_tls.py", "xdist_group", flavour=FLAVOURS["mysql97"])) is None


def test_long_tests_start_first_and_unit_tests_last() -> None:
    files = ["unit/test_retry.py", "integration/test_signal.py", "heat/test_expiry.py", "heat/test_life.py"]

    ordered = sorted(map(item_in, files), key=start_order)

    assert [str(item.path.relative_to(TESTS)) for item in ordered] == files[::-1]


def test_every_name_in_the_order_is_a_file_or_folder() -> None:
    assert [name for name in SLOWEST_FIRST if not (TESTS / name).exists()] == []
