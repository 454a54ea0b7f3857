"""The package as its source files show it: packages, imports, names. Nothing is imported to find them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

HOUSE = Path(__file__).parents[2] / "guestagent"


@cache
def list_source_files() -> tuple[Path, ...]:
    return tuple(sorted(HOUSE.rglob("*.py")))


@cache
def parse_source(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def get_relative_name(path: Path) -> str:
    return str(path.relative_to(HOUSE))


def get_module_name(path: Path) -> str:
    """Return the dotted name of the module, or of the package whose `__init__` the file is."""
    parts = path.relative_to(HOUSE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def get_modules() -> Mapping[str, Path]:
    return {get_module_name(path): path for path in list_source_files()}


def get_package(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


def list_imported_names(path: Path) -> Iterator[str]:
    """Yield the full name of everything that the file imports, inside functions and TYPE_CHECKING too."""
    package = path.relative_to(HOUSE.parent).with_suffix("").parts[:-1]
    for node in ast.walk(parse_source(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*start, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


@cache
def list_imported_modules(module: str) -> frozenset[str]:
    """Return the modules of the package that this one imports, without the packages around them."""
    modules = get_modules()
    names = list_imported_names(modules[module])
    found = (name if name in modules else name.rpartition(".")[0] for name in names)
    return frozenset(name for name in found if name in modules and name != module)


@cache
def list_reachable_modules(module: str) -> frozenset[str]:
    """Return the module and all that it imports, directly or through others."""
    reached, waiting = {module}, [module]
    while waiting:
        new = list_imported_modules(waiting.pop()) - reached
        reached |= new
        waiting += new
    return frozenset(reached)


def list_imported_packages(path: Path) -> set[str]:
    packages = {name.split(".")[1] for name in list_imported_names(path) if name.startswith("guestagent.")}
    return {name for name in packages if (HOUSE / name).is_dir() or (HOUSE / f"{name}.py").exists()}


def list_imported_libraries(path: Path) -> set[str]:
    """Return the top-level names of the modules from outside the package, the standard library's included."""
    return {name.split(".")[0] for name in list_imported_names(path)} - {"guestagent", "__future__"}
