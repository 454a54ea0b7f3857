"""Modules that are imported when they are first used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from guestagent.deferred_modules import defer_modules


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package with a module that appends a line to a file each time its code runs."""
    package = tmp_path / "library"
    package.mkdir()
    (package / "__init__.py").touch()
    runs = tmp_path / "runs"
    (package / "costly.py").write_text(
        f"with open({str(runs)!r}, 'a') as runs:\n    runs.write('run\\n')\nANSWER = 42\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield runs
    for name in [name for name in sys.modules if name.partition(".")[0] == "library"]:
        del sys.modules[name]


def import_answer() -> int:
    from library import costly  # type: ignore[import-not-found]

    return int(costly.ANSWER)


def test_an_import_does_not_run_a_deferred_module(library: Path) -> None:
    defer_modules("library.costly")

    from library import costly  # noqa: F401

    assert not library.exists()


def test_a_deferred_module_is_an_attribute_of_its_package(library: Path) -> None:
    defer_modules("library.costly")

    package = import_module("library")

    assert package.costly is sys.modules["library.costly"]
    assert package.costly.ANSWER == 42


def test_the_first_use_runs_it_once(library: Path) -> None:
    defer_modules("library.costly")

    answers = [import_answer(), import_answer()]

    assert answers == [42, 42]
    assert library.read_text() == "run\n"


def test_a_deferred_package_and_its_module_run_in_the_order_of_an_import(library: Path) -> None:
    (library.parent / "library/deep").mkdir()
    (library.parent / "library/deep/module.py").write_text("from library.deep import costly_answer\n")
    (library.parent / "library/deep/__init__.py").write_text(
        "from library.costly import ANSWER as costly_answer\nfrom library.deep.module import costly_answer\n"
    )
    defer_modules("library.deep", "library.deep.module")

    from library.deep import module  # type: ignore[import-not-found]

    assert not library.exists()
    assert module.costly_answer == 42
    assert library.read_text() == "run\n"


def test_a_name_that_it_does_not_have_is_an_error_as_always(library: Path) -> None:
    defer_modules("library.costly")

    from library import costly

    with pytest.raises(AttributeError, match="missing"):
        print(costly.missing)


def test_a_module_that_fails_is_tried_again_at_the_next_use(library: Path) -> None:
    (library.parent / "library/costly.py").write_text("import library.nowhere\n")
    defer_modules("library.costly")

    for _ in range(2):
        with pytest.raises(ImportError, match="nowhere"):
            import_answer()


def test_a_module_that_is_missing_stays_missing(library: Path) -> None:
    defer_modules("library.nowhere", "nowhere.at_all")

    assert {"library.nowhere", "nowhere.at_all"}.isdisjoint(sys.modules)


PRINT_BINDINGS = "; print([name for name in sys.modules if 'cryptography.hazmat.bindings' in name])"
LOGIN = """
import sys
import guestagent.database.driver
from pymysql import _auth
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
key = rsa.generate_private_key(65537, 2048).public_key()
pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
print(len(_auth.sha2_rsa_encrypt(b"password", bytes(20), pem)))
"""


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_the_agent_does_not_load_cryptography_before_it_needs_it() -> None:
    loaded = run_python("import sys, guestagent.agent.daemon, guestagent.signal.http_client" + PRINT_BINDINGS)

    assert loaded == "[]\n"


def test_pymysql_encrypts_a_password_with_the_deferred_library() -> None:
    pytest.importorskip("cryptography")

    assert run_python(LOGIN) == "256\n"
