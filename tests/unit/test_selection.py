"""Which tests a run selects, in which order they start, and which of them share a worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from guestagent.embedded.database_servers import FLAVOURS
from tests.support.selection import (
    NOTHING_SHARED,
    NOTHING_SHARED_IN_FOLDER,
    SERVERS_SHARED_IN_FOLDER,
    SHARED_IN_FILE,
    SHARED_IN_FOLDER,
    SLOWEST_FIRST,
    TESTS,
    get_start_order,
    get_work_unit,
    is_left_to_test_all,
    select_share,
)


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
    return is_left_to_test_all(item_in("integration/test_flavours.py", *marks, **parameters))


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


def test_tests_that_share_servers_are_one_unit() -> None:
    doctor = "tests/integration/test_doctor.py"

    assert get_work_unit(f"{doctor}::test_a[mysql97-ready]") == get_work_unit(f"{doctor}::test_b[mysql97]")
    assert get_work_unit(f"{doctor}::test_a[mysql97]") != get_work_unit(f"{doctor}::test_a[mariadb118]")
    assert get_work_unit(f"{doctor}::test_a[mysql97]") != get_work_unit(
        "tests/integration/test_divergence.py::test_a[mysql97]"
    )


@pytest.mark.parametrize("folder", ["agent", "database", "rotation", "tls"])
def test_the_tests_of_a_folder_share_servers_across_files(folder: str) -> None:
    def get_unit(file: str, server: str) -> str:
        return get_work_unit(f"tests/integration/{folder}/{file}::test_a[{server}]")

    assert get_unit("test_b.py", "mysql97") == get_unit("test_c.py", "mysql97")
    assert get_unit("test_b.py", "mysql97") != get_unit("test_b.py", "mariadb118")


def test_the_tests_of_the_resident_agent_share_a_server_across_files() -> None:
    folder = "tests/integration/resident_agent"

    assert get_work_unit(f"{folder}/test_stop.py::test_a") == get_work_unit(
        f"{folder}/test_status.py::test_b"
    )


def test_a_share_has_every_nth_case_of_each_test() -> None:
    cases = [f"test_rules.py::test_a_rule[{number}]" for number in range(7)]

    share = select_share(["test_life.py::test_a_life", *cases], 3)

    assert share == {"test_life.py::test_a_life", *(cases[number] for number in (0, 3, 6))}


def test_the_real_services_are_started_once() -> None:
    names = ("test_natives_life", "test_openstack_project")

    assert len({get_work_unit(f"tests/real_cloud/{name}.py::test_a") for name in names}) == 1


def test_two_real_heats_are_used_at_a_time() -> None:
    names = ("test_cluster_lifecycle", "test_faults", "test_expiry", "test_cloud_process")

    assert len({get_work_unit(f"tests/heat/{name}.py::test_a") for name in names}) == 2


def test_the_tests_of_one_image_share_a_worker_except_its_lifecycles() -> None:
    folder = "tests/image"
    content = f"{folder}/test_image_content.py::test_a[trixie-mysql]"
    datasource = f"{folder}/test_datasources.py::test_b[trixie-mysql-Ec2]"
    lifecycles = [
        f"{folder}/test_cluster_in_containers.py::test_c[trixie-mysql-{dialect}]"
        for dialect in ("cfn", "hot")
    ]

    units = {get_work_unit(content), *map(get_work_unit, lifecycles)}

    assert get_work_unit(datasource) == get_work_unit(content)
    assert len(units) == 3


def test_a_test_that_shares_nothing_is_a_separate_unit() -> None:
    for test_id in (
        "tests/unit/test_retry.py::test_a",
        "tests/integration/configuration/test_restart.py::test_b[mysql97]",
    ):
        assert get_work_unit(test_id) == test_id


def test_a_long_parameter_is_no_server_and_takes_no_time() -> None:
    brackets = f"tests/unit/metadata/test_garbage.py::test_a[{'[' * 100_000}]"

    assert get_work_unit(brackets) == brackets


def test_a_file_that_shares_a_cloud_is_one_unit() -> None:
    contract = "tests/contract/test_contract.py"

    assert get_work_unit(f"{contract}::test_a[one]") == get_work_unit(f"{contract}::test_b[two]")


def test_long_tests_start_first_and_unit_tests_last() -> None:
    lifecycle, expiry = "heat/test_cluster_lifecycle.py", "heat/test_expiry.py"
    files = ["unit/test_retry.py", "integration/test_launch.py", expiry, lifecycle]

    ordered = sorted(map(item_in, files), key=get_start_order)

    assert [str(item.path.relative_to(TESTS)) for item in ordered] == files[::-1]


def test_every_name_in_the_order_is_a_file_or_folder() -> None:
    assert [name for name in SLOWEST_FIRST if not (TESTS / name).exists()] == []
    assert [name for name in SHARED_IN_FILE | NOTHING_SHARED if not [*TESTS.rglob(name)]] == []
    folders = SHARED_IN_FOLDER | SERVERS_SHARED_IN_FOLDER | NOTHING_SHARED_IN_FOLDER
    assert [name for name in folders if not (TESTS / name).is_dir()] == []
