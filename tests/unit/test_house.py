"""The house: which room may import which, and what may be imported from outside. Read from the source."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.source_tree import (
    HOUSE,
    get_module_name,
    get_modules,
    get_room,
    list_imported_libraries,
    list_imported_modules,
    list_imported_rooms,
    list_reachable_modules,
    list_source_files,
    parse_source,
)

FOUNDATION = {
    *("errors", "secret", "validation", "retry", "atomic_file", "file_lock", "strict_json"),
    *("unreadable_file", "time_limit", "http_time_limit", "text_escaping"),
}
ARROWS: dict[str, set[str]] = {
    **dict.fromkeys(FOUNDATION, FOUNDATION),
    "package_data": {"errors"},
    "metadata": FOUNDATION,
    "database": FOUNDATION | {"metadata"},
    "signal": FOUNDATION | {"metadata"},
    "agent": FOUNDATION | {"metadata", "database", "signal"},
    "controller": {"metadata", "secret", "errors", "validation", "retry", "time_limit", "http_time_limit"},
    "embedded": FOUNDATION | {"package_data"},
    "demo": FOUNDATION | {"controller", "database", "embedded"},
}
GUEST = {*FOUNDATION, "package_data", "metadata", "database", "signal", "agent"}
GUEST_COMMANDS = {
    *("command_line.py", "agent.py", "doctor.py", "pause.py", "accept_source.py", "input_file.py"),
    *("options.py", "output.py", "json_error.py", "validate.py", "elements_path.py"),
}
GUEST_LIBRARIES = {"yaml", "requests", "pymysql", "psutil"}
# Only one file of a room imports such a library, and turns its errors into the package's own.
ONE_DOOR = {"pymysql", "requests", "openstack", "psutil", "subprocess"}
# A pure file gets clocks, files and connections as arguments. These decide, so they say that they are pure.
DECISIONS = {
    *("agent/plan.py", "agent/preconditions.py", "agent/refusal.py", "agent/replication_target.py"),
    *("agent/family_limits.py", "agent/own_server_id.py", "agent/account_steps.py", "agent/conditions.py"),
    *(
        "agent/source_conditions.py",
        "agent/replica_conditions.py",
        "agent/model.py",
        "agent/skip_settings.py",
    ),
    *("agent/skipped_changes.py", "agent/divergence.py", "agent/unlogged_data.py"),
    *("agent/server_config/transitions.py", "agent/server_config/change_state.py"),
}
EFFECTS = {
    "os",
    "io",
    "time",
    "socket",
    "subprocess",
    "threading",
    "logging",
    "tempfile",
    "fcntl",
    "signal",
    "select",
}


def get_relative_name(path: Path) -> str:
    return str(path.relative_to(HOUSE))


def is_pure(path: Path) -> bool:
    """Tell whether the module's docstring says `Pure`."""
    words = (
        (ast.get_docstring(parse_source(path)) or "")
        .replace(",", " ")
        .replace(".", " ")
        .replace(":", " ")
        .split()
    )
    return "Pure" in words


@pytest.mark.parametrize("path", list_source_files(), ids=get_relative_name)
def test_arrows_between_rooms_go_one_way(path: Path) -> None:
    room = get_room(path)
    if room in {"cli", "__init__", "__main__"}:
        return

    forbidden = list_imported_rooms(path) - ARROWS[room] - {room}

    assert not forbidden, f"{room} must not import {sorted(forbidden)}"


def test_no_module_imports_itself_through_others() -> None:
    graph = {module: list_imported_modules(module) for module in get_modules()}

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


@pytest.mark.parametrize("path", list_source_files(), ids=get_relative_name)
def test_a_guest_imports_what_its_image_holds(path: Path) -> None:
    if get_room(path) not in GUEST:
        return

    foreign = list_imported_libraries(path) - set(sys.stdlib_module_names) - GUEST_LIBRARIES

    assert not foreign, f"not installed in a guest: {sorted(foreign)}"


@pytest.mark.parametrize("name", sorted(GUEST_COMMANDS))
def test_a_command_of_the_guest_imports_the_rooms_of_the_guest_alone(name: str) -> None:
    command = HOUSE / "cli" / name

    assert list_imported_rooms(command) <= GUEST | {"cli"}
    assert list_imported_libraries(command) <= set(sys.stdlib_module_names) | GUEST_LIBRARIES


def test_one_file_of_a_folder_imports_an_outside_library() -> None:
    doors: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in list_source_files():
        if get_room(path) != "cli":
            for library in list_imported_libraries(path) & ONE_DOOR:
                doors[str(path.parent.relative_to(HOUSE)), library].append(path.name)

    assert {door: files for door, files in doors.items() if len(files) > 1} == {}


@pytest.mark.parametrize(
    "path", [path for path in list_source_files() if is_pure(path)], ids=get_relative_name
)
def test_a_pure_file_imports_no_effect_by_any_way(path: Path) -> None:
    modules = get_modules()
    effects = {
        f"{module} imports {library}"
        for module in list_reachable_modules(get_module_name(path))
        for library in list_imported_libraries(modules[module]) & (EFFECTS | GUEST_LIBRARIES - {"yaml"})
    }

    assert effects == set()


def test_decisions_are_pure() -> None:
    assert {name for name in DECISIONS if not is_pure(HOUSE / name)} == set()


def test_only_the_command_line_prints_or_exits() -> None:
    def prints_or_exits(path: Path) -> bool:
        calls = (node.func for node in ast.walk(parse_source(path)) if isinstance(node, ast.Call))
        return any(
            (isinstance(call, ast.Name) and call.id in {"print", "exit"})
            or (isinstance(call, ast.Attribute) and ast.unparse(call) == "sys.exit")
            for call in calls
        )

    files = {
        get_relative_name(path)
        for path in list_source_files()
        if get_room(path) != "cli" and prints_or_exits(path)
    }

    assert files <= {"__main__.py"}
