"""What the element `guestagent` refuses before anything is downloaded, with a machine of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from guestagent.package_data import find_package_data

ELEMENT = find_package_data("elements") / "guestagent"
VIRTUAL_MACHINE = "base block-device-mbr debian-minimal debootstrap guestagent vm"
TREE = "base debian-minimal debootstrap guestagent"
TOOLS = ("debootstrap", "kpartx", "dmsetup", "losetup", "mkfs.ext4", "sgdisk", "mkfs.vfat")


class BuildMachine:
    """A machine with these programs alone: they exist and do nothing."""

    def __init__(self, folder: Path) -> None:
        self._programs = folder / "programs"
        self._programs.mkdir()
        for name in ("bash", "sh", "env", "mktemp", "rm", "touch"):
            (self._programs / name).symlink_to(str(shutil.which(name)))
        self.install("sudo", '#!/bin/sh\nexec "$@"\n')
        for name in TOOLS:
            self.install(name)
        self.install_pip("guestagent-1.0-py3-none-any.whl")

    def install(self, name: str, text: str = "#!/bin/sh\n") -> None:
        program = self._programs / name
        program.write_text(text)
        program.chmod(0o755)

    def install_pip(self, wheel: str) -> None:
        """Install a pip that makes this wheel of everything; "" for one that finds no package."""
        make_wheel = f'touch "$7/{wheel}"' if wheel else "echo no matching distribution >&2; exit 1"
        self.install("python3", f'#!/bin/sh\n[ "$3" != wheel ] || {{ {make_wheel}; }}\n')

    def remove(self, name: str) -> None:
        (self._programs / name).unlink()

    def check(
        self, elements: str, distribution: str = "debian", **settings: str
    ) -> subprocess.CompletedProcess[str]:
        """Source the element's environment and run its check, as the build does."""
        script = f"set -eu; . {ELEMENT}/environment.d/60-guestagent-python.bash; bash {ELEMENT}/root.d/01-guestagent"
        environment = {"PATH": str(self._programs), "IMAGE_ELEMENT": elements, "DISTRO_NAME": distribution}
        return subprocess.run(
            [self._programs / "bash", "-c", script],
            env={**environment, **settings},
            capture_output=True,
            text=True,
        )


@pytest.fixture
def machine(tmp_path: Path) -> BuildMachine:
    return BuildMachine(tmp_path)


def test_a_complete_machine_may_build(machine: BuildMachine) -> None:
    checked = machine.check(VIRTUAL_MACHINE, DIB_RELEASE="bookworm")

    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("release", ["stable", "testing", "unstable", "sid", "forky"])
def test_a_release_whose_python_is_not_known_is_refused(machine: BuildMachine, release: str) -> None:
    checked = machine.check(TREE, DIB_RELEASE=release)

    assert checked.returncode == 1
    assert checked.stderr == (
        f"guestagent: the Python of debian {release} is not known: name the release, as in DIB_RELEASE=bookworm, "
        "or set DIB_GUESTAGENT_PYTHON to the image's version, as in 3.11\n"
    )


def test_a_build_without_a_release_is_refused(machine: BuildMachine) -> None:
    checked = machine.check(TREE)

    assert checked.returncode == 1
    assert "the Python of debian without DIB_RELEASE is not known" in checked.stderr


def test_the_version_of_python_may_be_given_for_any_release(machine: BuildMachine) -> None:
    checked = machine.check(TREE, DIB_RELEASE="testing", DIB_GUESTAGENT_PYTHON="3.14")

    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("version", ["3", "3.08", "3.9", "python3.11", "2.7"])
def test_a_version_that_the_agent_does_not_run_on_is_refused(machine: BuildMachine, version: str) -> None:
    checked = machine.check(TREE, DIB_RELEASE="bookworm", DIB_GUESTAGENT_PYTHON=version)

    assert checked.returncode == 1
    assert (
        checked.stderr
        == f"guestagent: DIB_GUESTAGENT_PYTHON is {version}: expected 3.10 or later, as in 3.11\n"
    )


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"DIB_GUESTAGENT_WHEELS": "/nowhere"}, "WHEELS is /nowhere: expected a folder with wheels (*.whl)"),
        (
            {"DIB_GUESTAGENT_SOURCE": "/nowhere"},
            "SOURCE is /nowhere, which does not exist: expected a folder",
        ),
    ],
)
def test_a_source_that_does_not_exist_is_named(
    machine: BuildMachine, setting: dict[str, str], message: str
) -> None:
    checked = machine.check(TREE, DIB_RELEASE="bookworm", **setting)

    assert checked.returncode == 1
    assert message in checked.stderr


def test_a_folder_of_wheels_without_the_agents_own_is_refused(machine: BuildMachine, tmp_path: Path) -> None:
    (tmp_path / "other-1.0-py3-none-any.whl").touch()

    checked = machine.check(TREE, DIB_RELEASE="bookworm", DIB_GUESTAGENT_WHEELS=str(tmp_path))

    assert checked.returncode == 1
    assert "has no wheel of guestagent itself" in checked.stderr


@pytest.mark.parametrize("source", ["guestagent==1.0", "guestagent @ git+https://example.com/guestagent"])
def test_a_requirement_is_left_to_pip(machine: BuildMachine, source: str) -> None:
    checked = machine.check(TREE, DIB_RELEASE="bookworm", DIB_GUESTAGENT_SOURCE=source)

    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_requirement_that_pip_does_not_find_is_refused_before_the_download(machine: BuildMachine) -> None:
    machine.install_pip("")

    checked = machine.check(TREE, DIB_RELEASE="bookworm", DIB_GUESTAGENT_SOURCE="guestagent==99")

    assert checked.returncode == 1
    assert checked.stderr.endswith(
        "guestagent: pip cannot make a wheel of DIB_GUESTAGENT_SOURCE=guestagent==99: expected a folder, a wheel or a "
        "requirement of guestagent\n"
    )


def test_a_requirement_of_another_package_is_refused(machine: BuildMachine) -> None:
    machine.install_pip("requests-2.0-py3-none-any.whl")

    checked = machine.check(TREE, DIB_RELEASE="bookworm", DIB_GUESTAGENT_SOURCE="requests")

    assert checked.returncode == 1
    assert checked.stderr == (
        "guestagent: DIB_GUESTAGENT_SOURCE is requests, which is another package: expected guestagent\n"
    )


def test_complete_wheels_are_accepted(machine: BuildMachine, tmp_path: Path) -> None:
    (tmp_path / "guestagent-1.0-py3-none-any.whl").touch()

    checked = machine.check(TREE, DIB_RELEASE="bookworm", DIB_GUESTAGENT_WHEELS=str(tmp_path))

    assert (checked.returncode, checked.stderr) == (0, "")


def test_missing_programs_are_named_with_their_packages(machine: BuildMachine) -> None:
    for name in ("debootstrap", "kpartx", "losetup"):
        machine.remove(name)

    checked = machine.check(VIRTUAL_MACHINE, DIB_RELEASE="bookworm")

    assert checked.returncode == 1
    assert checked.stderr == (
        "guestagent: this build needs debootstrap kpartx losetup, which this machine lacks: "
        "apt-get install debootstrap kpartx mount\n"
    )


def test_a_tree_needs_no_program_for_disks(machine: BuildMachine) -> None:
    for name in set(TOOLS) - {"debootstrap"}:
        machine.remove(name)

    assert machine.check(TREE, DIB_RELEASE="bookworm").returncode == 0


def test_a_disk_for_efi_needs_its_own_programs(machine: BuildMachine) -> None:
    machine.remove("sgdisk")
    machine.remove("mkfs.vfat")

    checked = machine.check(VIRTUAL_MACHINE.replace("-mbr", "-efi"), DIB_RELEASE="bookworm")

    assert "apt-get install gdisk dosfstools" in checked.stderr


def test_a_kernel_without_device_mapper_is_named(machine: BuildMachine) -> None:
    machine.install("dmsetup", "#!/bin/sh\nexit 1\n")

    checked = machine.check(VIRTUAL_MACHINE, DIB_RELEASE="bookworm")

    assert checked.returncode == 1
    assert "the element vm needs the device mapper, which this kernel lacks" in checked.stderr


def test_a_python_without_pip_is_named(machine: BuildMachine) -> None:
    machine.install("python3", "#!/bin/sh\nexit 1\n")

    checked = machine.check(TREE, DIB_RELEASE="bookworm")

    assert checked.returncode == 1
    assert "the python3 on PATH has no pip" in checked.stderr


def test_the_wheels_are_for_the_python_of_the_release() -> None:
    releases = [
        *(("debian", "bookworm", "3.11"), ("debian", "trixie", "3.13"), ("ubuntu", "noble", "3.12")),
        *(("fedora", "42", "3.13"), ("centos", "9-stream", "3.11"), ("centos", "10-stream", "3.12")),
        *(
            ("rocky", "9", "3.11"),
            ("rocky", "10", "3.12"),
            ("opensuse", "15.6", "3.11"),
            ("opensuse", "tumbleweed", ""),
        ),
    ]
    script = f". {ELEMENT}/environment.d/60-guestagent-python.bash; printf %s $DIB_GUESTAGENT_PYTHON"

    for distribution, release, version in releases:
        environment = {"PATH": os.environ["PATH"], "DISTRO_NAME": distribution, "DIB_RELEASE": release}
        sourced = subprocess.run(["bash", "-euc", script], env=environment, capture_output=True, text=True)

        assert (sourced.stdout, sourced.stderr) == (version, ""), (distribution, release)


def test_a_source_of_which_pip_makes_no_wheel_is_named(machine: BuildMachine, tmp_path: Path) -> None:
    machine.install("python3", "#!/bin/sh\nexit 1\n")
    find_elements = (
        f"get_image_element_array() {{ echo '[guestagent]={ELEMENT}'; }}; export -f get_image_element_array"
    )

    built = subprocess.run(
        ["bash", "-c", f"{find_elements}; bash {ELEMENT}/extra-data.d/50-guestagent"],
        env={
            "PATH": f"{tmp_path}/programs:{os.environ['PATH']}",
            "TMP_HOOKS_PATH": str(tmp_path / "hooks"),
            "DIB_GUESTAGENT_SOURCE": "no-such-agent",
        },
        capture_output=True,
        text=True,
    )

    assert built.returncode == 1
    assert built.stderr == (
        "guestagent: pip cannot make a wheel of DIB_GUESTAGENT_SOURCE=no-such-agent: expected a folder, a wheel or a "
        "requirement of guestagent\n"
    )
