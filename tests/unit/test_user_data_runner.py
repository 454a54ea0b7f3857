"""The element's script that runs Heat's user data where Heat's own runner does not start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from guestagent.package_data import find_package_data

RUNNER = find_package_data("elements") / "guestagent/static/usr/local/sbin/guestagent-userdata"
SCRIPT = "#!/bin/sh\necho run >> {}\n"


class GuestRoot:
    """The root of a guest, as cloud-init and Heat's part handler leave it at the first boot."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts = folder / "var/lib/heat-cfntools"
        self.parts.mkdir(parents=True)
        (folder / "var/log").mkdir()
        (folder / "run").mkdir()
        self.begin_instance("first")

    @property
    def script(self) -> Path:
        return self.parts / "cfn-userdata"

    @property
    def log(self) -> Path:
        return self.folder / "var/log/guestagent-userdata.log"

    @property
    def run_count(self) -> int:
        runs = self.folder / "runs"
        return len(runs.read_text().splitlines()) if runs.exists() else 0

    def begin_instance(self, name: str) -> None:
        """Do what cloud-init does for a new instance id."""
        link = self.folder / "var/lib/cloud/instance"
        (self.folder / "var/lib/cloud/instances" / name).mkdir(parents=True)
        link.unlink(missing_ok=True)
        link.symlink_to(self.folder / "var/lib/cloud/instances" / name)

    def write_script(self, text: str | None = None, written_at: float = 1000.0) -> None:
        """Write the user data as the part handler does: not executable, readable by everybody."""
        self.script.write_text(text or SCRIPT.format(self.folder / "runs"))
        self.script.chmod(0o644)
        os.utime(self.script, (written_at, written_at))

    def write_trace(self, name: str, written_at: float) -> None:
        """Write a file of Heat's own runner."""
        (self.folder / name).touch()
        os.utime(self.folder / name, (written_at, written_at))

    def boot(self, heats_runner: str = "") -> int:
        """Do what the units do at a boot, with these commands in the place of Heat's runner; return our exit code."""
        shutil.rmtree(self.folder / "run")
        (self.folder / "run").mkdir()
        subprocess.run([RUNNER, "prepare", self.folder], check=True)
        subprocess.run(["sh", "-c", heats_runner], cwd=self.folder, check=True)
        return self.start_unit()

    def start_unit(self) -> int:
        """Do what the unit does after cloud-init's last stage, or when os-collect-config is restarted."""
        return subprocess.run([RUNNER, "run", self.folder], stdin=subprocess.DEVNULL).returncode

    def prepare_last_stage(self, python: str) -> bool:
        """Do what the unit of cloud-init's network stage does; return whether cloud-init will run Heat's runner.

        `python`: the body of a shell script in the place of the image's `python3`.
        """
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "python3").write_text(f"#!/bin/sh\n{python}\n")
        (programs / "python3").chmod(0o755)
        path = f"{programs}:{os.environ['PATH']}"
        subprocess.run([RUNNER, "prepare", self.folder], env={**os.environ, "PATH": path}, check=True)
        return os.access(self.runner, os.X_OK)

    @property
    def runner(self) -> Path:
        return self.folder / "var/lib/cloud/instance/scripts/loguserdata.py"

    def write_runner(self, text: str) -> None:
        self.runner.parent.mkdir()
        self.runner.write_text(text)
        self.runner.chmod(0o700)


@pytest.fixture
def root(tmp_path: Path) -> GuestRoot:
    return GuestRoot(tmp_path)


def test_user_data_runs_once_for_an_instance(root: GuestRoot) -> None:
    root.write_script()

    codes = [root.boot(), root.boot()]

    assert codes == [0, 0]
    assert root.run_count == 1
    assert root.script.stat().st_mode & 0o777 == 0o700


def test_a_copied_disk_runs_the_user_data_of_its_own_instance(root: GuestRoot) -> None:
    root.write_script()
    root.write_trace("var/lib/heat-cfntools/provision-finished", 500.0)
    root.write_trace("var/log/heat-provision.log", 500.0)
    root.boot()
    root.begin_instance("copy")
    root.write_script(written_at=2000.0)

    root.boot()

    assert root.run_count == 2


BEGIN_OF_HEATS_RUNNER = "echo Provision began >> var/log/heat-provision.log"


def test_user_data_that_heats_runner_has_finished_never_run_again(root: GuestRoot) -> None:
    root.write_script()
    root.write_trace("var/lib/heat-cfntools/provision-finished", 1001.0)

    codes = [root.boot(BEGIN_OF_HEATS_RUNNER), root.boot()]

    assert (codes, root.run_count) == ([0, 0], 0)


def test_user_data_that_heats_runner_has_begun_do_not_run_in_the_same_boot(root: GuestRoot) -> None:
    root.write_script()

    codes = [root.boot(BEGIN_OF_HEATS_RUNNER), root.start_unit()]

    assert (codes, root.run_count) == ([0, 0], 0)


def test_user_data_that_heats_runner_has_not_finished_run_at_the_next_boot(root: GuestRoot) -> None:
    root.write_script()
    root.boot(BEGIN_OF_HEATS_RUNNER)

    codes = [root.boot(), root.boot()]

    assert (codes, root.run_count) == ([0, 0], 1)


@pytest.mark.parametrize(("log_time", "run_count"), [(1001.0, 0), (999.0, 1)])
def test_without_the_logs_size_a_newer_log_counts_as_one_of_this_boot(
    root: GuestRoot, log_time: float, run_count: int
) -> None:
    root.write_script()
    root.write_trace("var/log/heat-provision.log", log_time)

    root.start_unit()

    assert root.run_count == run_count


@pytest.mark.parametrize(("end", "code"), [("exit 3", 3), ("kill -9 $PPID", 1)])
def test_user_data_that_fail_run_once_a_boot(root: GuestRoot, end: str, code: int) -> None:
    root.write_script(f"#!/bin/sh\necho run >> {root.folder}/runs\n{end}\n")
    root.boot()

    codes = [root.start_unit(), root.start_unit()]

    assert (codes, root.run_count) == ([code, code], 1)


def test_user_data_that_fails_runs_again_at_the_next_boot(root: GuestRoot) -> None:
    root.write_script(f"#!/bin/sh\necho run >> {root.folder}/runs\ntest -e {root.folder}/network || exit 3\n")

    first_code = root.boot()
    (root.folder / "network").touch()
    codes = [root.boot(), root.boot()]

    assert (first_code, codes) == (3, [0, 0])
    assert root.run_count == 2
    assert "exit code 3" in root.log.read_text()


def test_user_data_that_a_power_cut_has_ended_runs_again(root: GuestRoot) -> None:
    root.write_script(
        f"#!/bin/sh\necho run >> {root.folder}/runs\n[ -e {root.folder}/cut ] && exit 0\n"
        f"touch {root.folder}/cut\nkill -9 $PPID\n"
    )

    codes = [root.boot(), root.boot()]

    assert codes == [-9, 0]
    assert root.run_count == 2


def test_only_root_can_read_what_the_user_data_prints(root: GuestRoot) -> None:
    root.log.touch()
    root.log.chmod(0o644)
    root.write_script("#!/bin/sh\necho hidden; echo hidden too >&2\n")

    root.boot()

    assert root.log.stat().st_mode & 0o777 == 0o600
    assert {"hidden", "hidden too"} <= set(root.log.read_text().splitlines())


def test_user_data_that_is_no_script_is_left_alone(root: GuestRoot) -> None:
    root.write_script("#cloud-config\npackages: [vim]\n")

    codes = [root.boot(), root.boot()]

    assert codes == [0, 0]
    assert root.log.read_text().count("no script") == 1


def test_a_node_without_such_user_data_is_left_alone(root: GuestRoot) -> None:
    code = root.boot()

    assert code == 0
    assert not root.log.exists()


def test_a_machine_without_cloud_init_is_left_alone(root: GuestRoot) -> None:
    root.write_script()
    (root.folder / "var/lib/cloud/instance").unlink()

    code = root.boot()

    assert (code, root.run_count) == (0, 0)


# As Heat 19 and Heat 27 begin it.
OLD_RUNNER = (
    "#!/bin/bash\n\"true\" '''\nexec python3 $0\n'''\nfrom distutils import version\n\nimport pkg_resources\n"
)
NEW_RUNNER = "#!/usr/bin/env python3\nimport subprocess\n"


@pytest.mark.parametrize(
    ("text", "python", "is_run"),
    [
        (OLD_RUNNER, "exit 1", False),
        (OLD_RUNNER, "exit 0", True),
        (NEW_RUNNER, "exit 1", True),
    ],
)
def test_cloud_init_runs_heats_runner_only_if_it_can_start(
    root: GuestRoot, text: str, python: str, is_run: bool
) -> None:
    root.write_script()
    root.write_runner(text)

    assert root.prepare_last_stage(python) is is_run


@pytest.mark.parametrize("modules", ["json", "json no_such_module"])
def test_the_runner_finds_out_what_the_images_python_has(root: GuestRoot, modules: str) -> None:
    root.write_script()
    root.write_runner(OLD_RUNNER)
    python = f'exec {sys.executable} -c "$2" {modules}'

    is_run = root.prepare_last_stage(python)

    assert is_run is ("no_such_module" not in modules)


def test_the_user_data_run_if_cloud_init_has_left_out_heats_runner(root: GuestRoot) -> None:
    root.write_script()
    root.write_runner(OLD_RUNNER)
    root.prepare_last_stage("exit 1")

    root.boot()

    assert root.run_count == 1
