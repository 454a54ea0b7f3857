"""The wheel, as an image builder installs it: complete, with its elements, without the controller's half."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--wheel-dir")
    subprocess.run([*pip, str(folder), str(ROOT)], check=True)
    return next(folder.glob("guestagent-*.whl"))


@pytest.mark.timeout(900)
def test_an_installed_package_finds_its_elements_and_units(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    program = (
        "from guestagent.package_data import find_package_data as find; "
        "print(find('elements')); print(find('systemd'))"
    )

    python = [sys.executable, "-c", program]
    completed = subprocess.run(
        python, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )

    inside = tmp_path / "guestagent/_shipped"
    assert completed.stdout.splitlines() == [str(inside / "elements"), str(inside / "systemd")]


@pytest.mark.timeout(900)
def test_the_wheel_is_complete_and_scripts_stay_executable(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}

    for folder, name in (("elements", "elements"), ("systemd", "systemd")):
        for source in (path for path in (ROOT / folder).rglob("*") if path.is_file()):
            packed = modes[f"guestagent/_shipped/{name}/{source.relative_to(ROOT / folder)}"]
            assert bool(packed & stat.S_IXUSR) == bool(source.stat().st_mode & stat.S_IXUSR), source
    assert not [name for name in modes if name.startswith("tests/")]


@pytest.mark.timeout(900)
def test_a_guest_installs_no_package_of_the_controllers(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        lines = archive.read(name).decode().splitlines()

    required = [line.split(": ", 1)[1] for line in lines if line.startswith("Requires-Dist: ")]
    base = {requirement.split(">=")[0].lower() for requirement in required if "extra ==" not in requirement}
    assert base == {"pyyaml", "requests", "pymysql", "psutil"}


@pytest.mark.timeout(900)
def test_the_wheel_that_an_image_gets_is_the_one_that_was_installed(wheel: Path, tmp_path: Path) -> None:
    pip = (sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--no-index", "--target")
    subprocess.run([*pip, str(tmp_path / "site-packages"), str(wheel)], check=True)
    script = tmp_path / "site-packages/guestagent/installed_wheel.py"

    subprocess.run([sys.executable, "-I", str(script), str(tmp_path)], check=True)

    [rebuilt] = tmp_path.glob("*.whl")
    assert rebuilt.name == wheel.name
    assert read_members(rebuilt) == read_members(wheel)


def read_members(wheel: Path) -> dict[str, tuple[bytes, bool]]:
    """Return the content of each file of a wheel, and whether it is executable."""
    with zipfile.ZipFile(wheel) as archive:
        members = {
            info.filename: (archive.read(info), bool(info.external_attr >> 16 & stat.S_IXUSR))
            for info in archive.infolist()
        }
    return {name: member for name, member in members.items() if not name.endswith("/RECORD")}
