"""The house: which room may know which, and who may import what from outside. Read from the source."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2] / "guestagent"

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
OPENSTACK = {f"openstack/{service}" for service in ("keystone", "neutron", "glance", "nova")}
# The rooms inside `embedded`, lowest first: a room imports from those before it, and only from the ones it names.
EMBEDDED_ARROWS: dict[str, set[str]] = {
    "host": set(),
    "http": {"host"},
    "openstack/keystone": {"host", "http"},
    "openstack/neutron": {"host", "http", "openstack/keystone"},
    "openstack/glance": {"host", "http", "openstack/keystone"},
    "openstack/nova": {"host", "http", "openstack/keystone", "openstack/neutron", "openstack/glance"},
    "heat/template": {"http"},
    "heat/resources": {"host", "http", "openstack/keystone", "openstack/neutron", "heat/template"},
    "heat": {"host", "http", "heat/template", "heat/resources"},
    "heat/api": {"host", "http", *OPENSTACK, "heat/template", "heat/resources", "heat"},
    "database_servers": {"host"},
    "guests": {"host", "openstack/nova", "database_servers"},
    "real_heat": {"host", "openstack/keystone", "database_servers"},
    "process": {"host", "http", *OPENSTACK, "heat", "heat/api", "guests", "real_heat"},
}
GUEST = {*FOUNDATION, "package_data", "metadata", "database", "signal", "agent"}
GUEST_COMMANDS = {
    "command_line.py",
    "agent.py",
    "doctor.py",
    "pause.py",
    "accept_source.py",
    "input_file.py",
    "options.py",
    "output.py",
    "json_error.py",
    "validate.py",
    "elements_path.py",
}
GUEST_LIBRARIES = {"yaml", "requests", "pymysql", "psutil"}
# An outside library has one door in a room; what it raises becomes one of ours there.
ONE_DOOR = {"pymysql", "requests", "openstack", "psutil", "subprocess"}
# What decides must not look or do: what these need, their arguments bring.
PURE = [
    "agent/plan.py",
    "agent/preconditions.py",
    "agent/refusal.py",
    "agent/replication_target.py",
    "agent/family_limits.py",
    "agent/own_server_id.py",
    "agent/account_steps.py",
    "agent/conditions.py",
    "agent/source_conditions.py",
    "agent/replica_conditions.py",
    "agent/model.py",
    "agent/skip_settings.py",
    "agent/skipped_changes.py",
    "agent/divergence.py",
    "agent/unlogged_data.py",
    "agent/ini_file.py",
    "agent/collector_config.py",
    "agent/server_config/change_state.py",
    "agent/server_config/transitions.py",
    "agent/server_config/plan.py",
    "agent/server_config/conditions.py",
    "agent/server_config/server_variables.py",
    "agent/server_config/settings.py",
    "agent/server_config/option_file.py",
    "agent/server_config/removed_variables.py",
    "agent/server_config/sizing.py",
    "agent/server_config/error_log.py",
]
EFFECTS = {"os", "io", "time", "socket", "subprocess", "threading", "logging", "pathlib", "tempfile"}
FORBIDDEN_NAMES = {"utils", "common", "helpers", "base", "misc", "manager"}


def sources() -> list[Path]:
    return sorted(HOUSE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """The full name of every module that the file imports, wherever in it."""
    package = path.relative_to(HOUSE.parent).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*start, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def rooms_known_to(path: Path) -> set[str]:
    ours = {name.split(".")[1] for name in imports(path) if name.startswith("guestagent.")}
    return {name for name in ours if (HOUSE / name).is_dir() or (HOUSE / f"{name}.py").exists()}


def libraries_of(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)} - {"guestagent", "__future__"}


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(HOUSE)))
def test_arrows_between_rooms_go_one_way(path: Path) -> None:
    room = room_of(path)
    if room in {"cli", "__init__", "__main__"}:
        return

    strangers = rooms_known_to(path) - ARROWS[room] - {room}

    assert not strangers, f"{room} must not know {sorted(strangers)}"


def embedded_room_of(module: Path) -> str:
    """The innermost room that holds a module below `embedded`; nothing for the package itself."""
    rooms = [str(folder) for folder in (module, *module.parents) if str(folder) in EMBEDDED_ARROWS]
    return rooms[0] if rooms else ""


@pytest.mark.parametrize(
    "path", sorted((HOUSE / "embedded").rglob("*.py")), ids=lambda path: str(path.relative_to(HOUSE))
)
def test_arrows_between_the_rooms_of_embedded_go_one_way(path: Path) -> None:
    prefix = "guestagent.embedded."
    names = [name.removeprefix(prefix) for name in imports(path) if name.startswith(prefix)]
    known = {embedded_room_of(Path(*name.split("."))) for name in names} - {""}
    room = embedded_room_of(path.relative_to(HOUSE / "embedded"))
    if not room:  # the package's own __init__ offers names of several rooms
        return

    strangers = known - EMBEDDED_ARROWS[room] - {room}

    assert not strangers, f"{room} must not know {sorted(strangers)}"


@pytest.mark.parametrize("room", EMBEDDED_ARROWS)
def test_a_room_of_embedded_knows_rooms_below_it_alone(room: str) -> None:
    order = list(EMBEDDED_ARROWS)

    assert EMBEDDED_ARROWS[room] <= set(order[: order.index(room)])


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_guest_imports_what_its_image_holds(path: Path) -> None:
    if room_of(path) not in GUEST:
        return

    foreign = libraries_of(path) - set(sys.stdlib_module_names) - GUEST_LIBRARIES

    assert not foreign, f"not installed in a guest: {sorted(foreign)}"


@pytest.mark.parametrize("name", sorted(GUEST_COMMANDS))
def test_a_guests_commands_know_the_guests_rooms_alone(name: str) -> None:
    command = HOUSE / "cli" / name

    assert rooms_known_to(command) <= GUEST | {"cli"}
    assert libraries_of(command) <= set(sys.stdlib_module_names) | GUEST_LIBRARIES


def test_an_outside_library_has_one_door_in_a_folder() -> None:
    doors: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in sources():
        if room_of(path) != "cli":
            for library in libraries_of(path) & ONE_DOOR:
                doors[str(path.parent.relative_to(HOUSE)), library].append(path.name)

    assert {door: files for door, files in doors.items() if len(files) > 1} == {}


@pytest.mark.parametrize("name", PURE)
def test_what_decides_has_no_effects(name: str) -> None:
    used = libraries_of(HOUSE / name)

    assert not used & (EFFECTS | GUEST_LIBRARIES)


def test_files_are_named_after_what_they_are_for() -> None:
    words = {path: set(path.stem.split("_")) for path in sources()}

    assert [path.name for path, said in words.items() if said & FORBIDDEN_NAMES] == []


def test_only_the_command_line_prints_or_exits() -> None:
    def speaks(path: Path) -> bool:
        calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
        return any(
            (isinstance(call, ast.Name) and call.id in {"print", "exit"})
            or (isinstance(call, ast.Attribute) and ast.unparse(call) == "sys.exit")
            for call in calls
        )

    speakers = {str(path.relative_to(HOUSE)) for path in sources() if room_of(path) != "cli" and speaks(path)}

    assert speakers <= {"__main__.py"}
