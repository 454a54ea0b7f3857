"""The wheel of an installation, rebuilt from its files, on a small installation of the test's own."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from guestagent.installed_wheel import IncompleteInstallation, build_wheel

METADATA = "guestagent-1.2.dist-info"
FILES = {
    "guestagent/__init__.py": "",
    "guestagent/_shipped/elements/guestagent/install.d/50-guestagent": "#!/bin/bash\n",
    f"{METADATA}/METADATA": "Metadata-Version: 2.1\nName: guestagent\nVersion: 1.2\n",
    f"{METADATA}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{METADATA}/entry_points.txt": "[console_scripts]\nguestagent = guestagent.cli.entry:main\n",
}
WRITTEN_BY_PIP = {
    f"{METADATA}/INSTALLER": "pip\n",
    f"{METADATA}/direct_url.json": "{}",
    "guestagent/__pycache__/__init__.cpython-311.pyc": "",
    "../../../bin/guestagent": "#!/usr/bin/python3\n",
}


@pytest.fixture
def site_packages(tmp_path: Path) -> Path:
    folder = tmp_path / "lib/python3.11/site-packages"
    for name, text in {**FILES, **WRITTEN_BY_PIP}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "guestagent/_shipped/elements/guestagent/install.d/50-guestagent").chmod(0o755)
    record = [f"{name},," for name in (*FILES, *WRITTEN_BY_PIP, f"{METADATA}/RECORD")]
    (folder / METADATA / "RECORD").write_text("\n".join(record) + "\n")
    return folder


def test_a_wheel_holds_what_the_installed_one_held(site_packages: Path, tmp_path: Path) -> None:
    wheel = build_wheel(site_packages, tmp_path)

    with zipfile.ZipFile(wheel) as archive:
        members = {name: archive.read(name).decode() for name in archive.namelist()}
    record = members.pop(f"{METADATA}/RECORD")
    assert wheel.name == "guestagent-1.2-py3-none-any.whl"
    assert members == FILES
    assert [line.split(",")[0] for line in record.splitlines()] == [*sorted(FILES), f"{METADATA}/RECORD"]


def test_a_script_stays_executable(site_packages: Path, tmp_path: Path) -> None:
    wheel = build_wheel(site_packages, tmp_path)

    with zipfile.ZipFile(wheel) as archive:
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()}
    assert modes.pop("guestagent/_shipped/elements/guestagent/install.d/50-guestagent") == 0o755
    assert set(modes.values()) == {0o644}


def test_the_same_installation_gives_the_same_wheel(site_packages: Path, tmp_path: Path) -> None:
    first = build_wheel(site_packages, tmp_path).read_bytes()

    assert build_wheel(site_packages, tmp_path).read_bytes() == first


def test_a_missing_file_is_named(site_packages: Path, tmp_path: Path) -> None:
    (site_packages / "guestagent/__init__.py").unlink()

    with pytest.raises(IncompleteInstallation, match=r"guestagent/__init__\.py is missing"):
        build_wheel(site_packages, tmp_path)


@pytest.mark.parametrize("second", ["guestagent-1.3.dist-info", None])
def test_an_installation_without_one_record_is_refused(
    site_packages: Path, tmp_path: Path, second: str | None
) -> None:
    if second is None:
        (site_packages / METADATA / "RECORD").unlink()
    else:
        (site_packages / second).mkdir()

    with pytest.raises(IncompleteInstallation, match="expected one guestagent-"):
        build_wheel(site_packages, tmp_path)


def test_a_build_from_an_incomplete_installation_stops_with_a_sentence(
    site_packages: Path, tmp_path: Path
) -> None:
    script = site_packages / "guestagent/installed_wheel.py"
    script.write_text((Path(__file__).parents[2] / "guestagent/installed_wheel.py").read_text())
    (site_packages / METADATA / "WHEEL").unlink()

    ran = subprocess.run([sys.executable, "-I", script, tmp_path], capture_output=True, text=True)

    assert ran.returncode == 1
    assert ran.stderr.startswith("guestagent: cannot rebuild the wheel of this installation: ")
    assert ran.stderr.endswith(": set DIB_GUESTAGENT_SOURCE\n")
