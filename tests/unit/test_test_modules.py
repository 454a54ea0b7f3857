"""The house of the tests: helpers live beside the test modules, never in one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]


def list_test_modules() -> set[str]:
    """Return the dotted names of all test modules; only pytest loads them."""
    return {
        ".".join(path.relative_to(TESTS.parent).with_suffix("").parts) for path in TESTS.rglob("test_*.py")
    }


def list_imports(path: Path) -> Iterator[str]:
    """Yield the dotted name of every module, and of every name from a module, that the file imports."""
    package = path.relative_to(TESTS.parent).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*start, *([node.module] if node.module else [])])
            yield from (module, *(f"{module}.{alias.name}" for alias in node.names))


def test_no_test_module_is_imported() -> None:
    test_modules = list_test_modules()

    assert "tests.unit.test_test_modules" in test_modules
    assert {
        str(path.relative_to(TESTS)): sorted(imported)
        for path in TESTS.rglob("*.py")
        if (imported := test_modules.intersection(list_imports(path)))
    } == {}
