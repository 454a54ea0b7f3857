"""The house rules on imports: which package may import which, and what. Read from the source."""

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
    get_package,
    get_relative_name,
    list_imported_libraries,
    list_imported_modules,
    list_imported_packages,
    list_reachable_modules,
    list_source_files,
    parse_source,
)

FOUNDATION = {
    *("errors", "secret", "validation", "retry", "byte_units", "atomic_file", "file_lock", "strict_json"),
    *("unreadable_file", "file_access", "limited_read", "time_limit", "http_time_limit", "text_escaping"),
    *("deferred_modules", "charset_detection", "yaml_aliases"),
}
ARROWS: dict[str, set[str]] = {
    **dict.fromkeys(FOUNDATION, FOUNDATION),
    "package_data": {"errors"},
    "installed_wheel": set(),
    "metadata": FOUNDATION,
    "database": FOUNDATION | {"metadata"},
    "signal": FOUNDATION | {"metadata"},
    "volume": FOUNDATION | {"metadata"},
    "seeding": FOUNDATION | {"metadata", "database", "volume"},
    "verification": FOUNDATION | {"metadata", "database"},
    "agent": FOUNDATION | {"metadata", "database", "signal", "volume", "seeding", "verification"},
    "controller": {
        *(
            "metadata",
            "secret",
            "errors",
            "validation",
            "retry",
            "limited_read",
            "byte_units",
            "time_limit",
            "http_time_limit",
            "strict_json",
        )
    },
    "resources": FOUNDATION | {"metadata", "controller"},
    "embedded": FOUNDATION | {"package_data"},
    "demo": FOUNDATION | {"controller", "database", "embedded", "resources"},
}
# The packages inside `embedded`, lowest first: a package imports from those before it, and only from the ones it names.
OPENSTACK = {f"openstack/{service}" for service in ("keystone", "neutron", "glance", "cinder", "nova")}

EMBEDDED_ARROWS: dict[str, set[str]] = {
    "host": set(),
    "http": {"host"},
    "openstack/keystone": {"host", "http"},
    "openstack/neutron": {"host", "http", "openstack/keystone"},
    "openstack/glance": {"host", "http", "openstack/keystone"},
    "openstack/cinder": {"host", "http", "openstack/keystone"},
    "openstack/nova": {
        *("host", "http", "openstack/keystone", "openstack/neutron", "openstack/glance", "openstack/cinder")
    },
    "openstack/paging": {"http", "openstack/nova"},
    "heat/template": {"http"},
    "heat/resources": {
        *("host", "http", "openstack/keystone", "openstack/neutron", "openstack/cinder"),
        "heat/template",
    },
    "heat": {"host", "http", "heat/template", "heat/resources"},
    "heat/api": {"host", "http", *OPENSTACK, "heat/template", "heat/resources", "heat"},
    "database_servers": {"host"},
    "guests": {"host", "openstack/nova", "database_servers"},
    "containers": {"host", "openstack/neutron", "openstack/nova", "database_servers", "guests"},
    "image_trees": {"host", "database_servers"},
    "real_heat": {"host", "openstack/keystone", "database_servers"},
    "real_cloud": {"host", *OPENSTACK, "database_servers", "real_heat"},
    "process": {
        "host",
        "http",
        *OPENSTACK,
        "openstack/paging",
        "heat",
        "heat/api",
        "guests",
        "containers",
        "real_heat",
    },
}
GUEST = {
    *FOUNDATION,
    "package_data",
    "metadata",
    "database",
    "signal",
    "volume",
    "seeding",
    "verification",
    "agent",
}
GUEST_COMMANDS = {
    *("command_line.py", "agent.py", "doctor.py", "pause.py", "accept_source.py", "identity.py"),
    *(
        "volume.py",
        "seed.py",
        "reseed.py",
        "donor.py",
        "sizes.py",
        "verify.py",
        "signals.py",
        "input_file.py",
    ),
    *("options.py", "output.py", "error_report.py", "validate.py", "elements_path.py"),
}
GUEST_LIBRARIES = {"yaml", "requests", "pymysql", "psutil"}
# Only one file of a package imports such a library, and turns its errors into the package's own.
ONE_DOOR = {"pymysql", "requests", "openstack", "psutil", "subprocess", "cryptography"}

# A pure file gets clocks, files and connections as arguments. These decide, so they say that they are pure.
DECISIONS = {
    *("agent/plan.py", "agent/preconditions.py", "agent/refusal.py", "agent/replication_target.py"),
    *(
        "agent/family_limits.py",
        "agent/changes_under_own_id.py",
        "agent/account_steps.py",
        "agent/conditions.py",
    ),
    *(
        "agent/source_conditions.py",
        "agent/replica_conditions.py",
        "agent/model.py",
        "agent/skip_settings.py",
    ),
    *("agent/volume_condition.py", "volume/decision.py", "volume/superblock.py", "volume/mount_table.py"),
    *("agent/skipped_changes.py", "agent/divergence.py", "agent/unlogged_data.py"),
    *("agent/instance_identity.py", "agent/instance_condition.py"),
    *("agent/server_config/transitions.py", "agent/server_config/change_state.py"),
    *("agent/server_sizes/first_start.py", "agent/server_sizes/size_settings.py"),
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


def is_pure(path: Path) -> bool:
    """Return whether the module's docstring contains `Pure`."""
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
    package = get_package(path)
    if package in {"cli", "__init__", "__main__"}:
        return

    forbidden = list_imported_packages(path) - ARROWS[package] - {package}

    assert not forbidden, f"{package} must not import {sorted(forbidden)}"


def get_embedded_package(name: str) -> str:
    """Return the innermost package of a module of embedded, whose name has slashes; "" for the package itself."""
    packages = [package for package in EMBEDDED_ARROWS if name == package or name.startswith(f"{package}/")]
    return max(packages, key=len, default="")


@pytest.mark.parametrize("package", EMBEDDED_ARROWS)
def test_a_package_of_embedded_imports_packages_below_it_alone(package: str) -> None:
    prefix = "guestagent.embedded."
    modules = [name for name in get_modules() if name.startswith(prefix)]
    imported = {
        get_embedded_package(name.removeprefix(prefix).replace(".", "/"))
        for module in modules
        if get_embedded_package(module.removeprefix(prefix).replace(".", "/")) == package
        for name in list_imported_modules(module)
        if name.startswith(prefix)
    }
    order = list(EMBEDDED_ARROWS)

    assert imported - {package} <= EMBEDDED_ARROWS[package] <= set(order[: order.index(package)])


def test_nothing_of_embedded_lies_beside_its_rooms() -> None:
    assert [path.name for path in (HOUSE / "embedded").glob("*.py")] == ["__init__.py"]


def test_no_module_imports_itself_through_others() -> None:
    graph = {module: list_imported_modules(module) for module in get_modules()}

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


@pytest.mark.parametrize("path", list_source_files(), ids=get_relative_name)
def test_a_guest_imports_what_its_image_holds(path: Path) -> None:
    if get_package(path) not in GUEST:
        return

    foreign = list_imported_libraries(path) - set(sys.stdlib_module_names) - GUEST_LIBRARIES

    assert not foreign, f"not installed in a guest: {sorted(foreign)}"


@pytest.mark.parametrize("name", sorted(GUEST_COMMANDS))
def test_a_command_of_the_guest_imports_the_rooms_of_the_guest_alone(name: str) -> None:
    command = HOUSE / "cli" / name

    assert list_imported_packages(command) <= GUEST | {"cli"}
    assert list_imported_libraries(command) <= set(sys.stdlib_module_names) | GUEST_LIBRARIES


def test_one_file_of_a_folder_imports_an_outside_library() -> None:
    doors: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in list_source_files():
        if get_package(path) != "cli":
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
        if get_package(path) != "cli" and prints_or_exits(path)
    }

    assert files <= {"__main__.py"}
