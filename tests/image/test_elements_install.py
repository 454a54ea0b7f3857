"""The element's installation of the agent, run for real: on a copy of this machine's root that forgets all changes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestagent.package_data import find_package_data
from tests.support.page_commands import read_commands_left_to

ELEMENT = find_package_data("elements") / "guestagent"
CONTENT_PAGE = (Path(__file__).parents[2] / "docs/explanation/image.md").read_text()
THIS_FILE = "tests/image/test_elements_install.py"
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
VENV_LIMIT_MB = 90
OWN_CODE_LIMIT_MB = 2.5
COMMANDS_TIMEOUT_S = 900
KEYSTONE = (
    *("auth_url = http://127.0.0.1:9/v3", "user_id = user", "password = secret", "project_id = project"),
    *("stack_id = stack/1", "resource_name = node", "queue_id = queue"),
)

pytestmark = pytest.mark.timeout(900)


class Root:
    """A root that a script of an element runs in with chroot, and the build's folder in it."""

    def __init__(self, folder: Path, target: Path) -> None:
        self.path = folder
        self._target = target  # what the build machine hands over: wheels, units

    def install_agent(self, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run the element's installation script, as the build does in its phase install.d."""
        return self.run(
            "bash",
            "/tmp/in_target.d/install.d/50-guestagent",
            **{"DIB_GUESTAGENT_PYTHON": VERSION, **settings},
        )

    def run(self, *argv: str, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": "/root", "LC_ALL": "C.UTF-8", **settings}
        return subprocess.run(
            ["chroot", self.path, *argv],
            env=environment,
            capture_output=True,
            text=True,
            timeout=COMMANDS_TIMEOUT_S,
        )

    def remove_wheel(self, name: str) -> Path:
        """Move a wheel out of what the build machine handed over."""
        [wheel] = (self._target / "guestagent-wheels").glob(f"{name}-*.whl")
        return wheel.rename(self._target / wheel.name)


def collect_wheels(folder: Path) -> None:
    """Run the element's script on the build machine, which fills the folder that the chroot gets."""
    functions = (
        f'get_image_element_array() {{ echo "[guestagent]={ELEMENT}"; }}; export -f get_image_element_array'
    )
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TMP_HOOKS_PATH": str(folder),
        "DIB_GUESTAGENT_PYTHON": VERSION,
    }
    command = f"{functions}; {ELEMENT}/extra-data.d/50-guestagent"
    subprocess.run(["bash", "-c", command], env=environment, check=True, timeout=COMMANDS_TIMEOUT_S)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("in_target.d")
    collect_wheels(folder)
    (folder / "install.d").mkdir()
    shutil.copy(ELEMENT / "install.d/50-guestagent", folder / "install.d/50-guestagent")
    return folder


@pytest.fixture(scope="module")
def root(target: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    folder = tmp_path_factory.mktemp("root")
    with hold_mount("-t", "tmpfs", "tmpfs", folder):
        upper, work, top = (folder / name for name in ("upper", "work", "top"))
        for part in (upper, work, top):
            part.mkdir()
        upper.chmod(0o755)
        layers = f"lowerdir=/,upperdir={upper},workdir={work}"
        with hold_mount("-t", "overlay", "overlay", "-o", layers, top):
            (top / "tmp/in_target.d").mkdir(parents=True)
            (top / "etc/os-collect-config.conf").write_text("[DEFAULT]\n")
            shutil.rmtree(top / "opt/guestagent", ignore_errors=True)
            with (
                hold_mount("--bind", target, top / "tmp/in_target.d"),
                hold_mount("-t", "proc", "proc", top / "proc"),
                hold_mount("--bind", "/dev", top / "dev"),
            ):
                yield Root(top, target)


@contextmanager
def hold_mount(*words: str | Path) -> Iterator[None]:
    """Mount something for the time of a block; the last word is where."""
    subprocess.run(["mount", *words], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", words[-1]], check=True)


@pytest.fixture(scope="module")
def installed(root: Root) -> Root:
    """The root with the agent installed, twice, as on a tree that a newer wheel is laid on."""
    root.install_agent().check_returncode()
    (root.path / "opt/guestagent/from-an-earlier-run").touch()
    root.install_agent().check_returncode()
    return root


def find_libraries(root: Root) -> Path:
    """Return the folder in which the agent's environment has its packages."""
    [libraries] = (root.path / "opt/guestagent/lib").glob("python3*/site-packages")
    return libraries


def measure(folder: Path, *options: str) -> float:
    """Return the size of a folder in MB of 10^6 bytes, as du counts them."""
    argv = ["du", "--summarize", "--block-size=1", *options, str(folder)]
    return int(subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()[0]) / 1e6


def test_the_agent_fits_its_budget(installed: Root) -> None:
    assert measure(installed.path / "opt/guestagent") <= VENV_LIMIT_MB
    assert measure(find_libraries(installed) / "guestagent", "--apparent-size") <= OWN_CODE_LIMIT_MB


def test_every_module_of_the_agent_can_be_imported_without_its_source(installed: Root) -> None:
    program = """
from importlib import import_module
from pkgutil import walk_packages
import guestagent
for module in walk_packages(guestagent.__path__, "guestagent."):
    if not module.name.endswith("__main__"):
        import_module(module.name)
"""

    imported = installed.run("/opt/guestagent/bin/python", "-c", program)

    assert (imported.returncode, imported.stderr) == (0, "")
    assert list((find_libraries(installed) / "guestagent").rglob("*.py")) == []


def test_the_package_can_be_run_by_its_name_and_knows_its_version(installed: Root) -> None:
    python = "/opt/guestagent/bin/python"
    program = "from importlib.metadata import version; print('guestagent', version('guestagent'))"

    shown = installed.run(python, "-m", "guestagent", "--version")

    assert shown.stdout == installed.run(python, "-c", program).stdout != ""


def test_the_documented_commands_run_the_agent_from_its_source(installed: Root) -> None:
    commands = [shown.command for shown in read_commands_left_to(CONTENT_PAGE, THIS_FILE, "### Source code")]
    program = "import inspect, guestagent.cli.entry; print(inspect.getsource(guestagent.cli.entry))"
    script = [*commands, f'/opt/guestagent/bin/python -c "{program}"']

    answer = installed.run("bash", "-euo", "pipefail", "-c", "\n".join(script))

    assert answer.returncode == 0, answer.stderr
    assert "def main" in answer.stdout


def test_pip_removes_every_file_of_the_agent(installed: Root, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    shutil.copytree(installed.path / "opt/guestagent", environment, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin/python")]

    subprocess.run([*pip, "uninstall", "--quiet", "--yes", "guestagent"], check=True)

    assert list(environment.rglob("guestagent*")) == []


def test_a_second_installation_replaces_the_first(installed: Root) -> None:
    assert not (installed.path / "opt/guestagent/from-an-earlier-run").exists()
    assert installed.run("guestagent", "--help").returncode == 0


@pytest.mark.parametrize("module", ["pip", "setuptools", "rich", "pygments", "prompt_toolkit", "openstack"])
def test_an_image_has_no_library_that_no_guest_runs(installed: Root, module: str) -> None:
    imported = installed.run("/opt/guestagent/bin/python", "-c", f"import {module}")

    assert f"No module named '{module}'" in imported.stderr


def test_no_library_keeps_its_tests(installed: Root) -> None:
    libraries = find_libraries(installed)

    assert [path for name in ("test", "tests") for path in libraries.rglob(name)] == []


@pytest.mark.parametrize("collector", ["cfn", "ec2", "heat", "request", "zaqar"])
def test_a_collector_fails_for_lack_of_a_server_and_not_of_a_module(installed: Root, collector: str) -> None:
    """Nothing listens on port 9, so each collector comes as far as its connection."""
    lines = [
        "[DEFAULT]",
        *("[cfn]", "metadata_url = http://127.0.0.1:9/v1/", "path = node.Metadata"),
        *("access_key_id = key", "secret_access_key = secret", "stack_name = stack"),
        *("[ec2]", "metadata_url = http://127.0.0.1:9/latest/"),
        *("[request]", "metadata_url = http://127.0.0.1:9/metadata"),
        *(line for name in ("heat", "zaqar") for line in (f"[{name}]", *KEYSTONE)),
    ]
    (installed.path / "etc/collector.conf").write_text("\n".join(lines) + "\n")
    program = "/opt/guestagent/bin/os-collect-config"

    collected = installed.run(
        *(program, "--config-file", "/etc/collector.conf", "--one-time", "--print", "--debug"),
        *("--cachedir", "/tmp/collected", collector),
    )

    assert "Import" not in collected.stderr
    assert "No module named" not in collected.stderr
    assert "127.0.0.1" in collected.stderr


def test_wheels_for_another_python_are_refused_with_a_sentence(installed: Root) -> None:
    refused = installed.install_agent(DIB_GUESTAGENT_PYTHON="3.99")

    assert refused.returncode == 1
    assert refused.stderr == (
        f"guestagent: the image's Python is {VERSION}, and the wheels are for 3.99: "
        f"set DIB_GUESTAGENT_PYTHON={VERSION}\n"
    )
    assert installed.run("guestagent", "--help").returncode == 0


def test_incomplete_wheels_are_refused_with_a_sentence(installed: Root, target: Path) -> None:
    wheel = installed.remove_wheel("pymysql")

    refused = installed.install_agent()

    wheel.rename(target / "guestagent-wheels" / wheel.name)
    assert refused.returncode == 1
    assert f"do not fit the image's Python {VERSION} or are not complete" in refused.stderr
