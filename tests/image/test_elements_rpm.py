"""All phases of a build for Red Hat's family, on a root whose package manager only writes down what it is asked for."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

from guestagent.embedded.host.cache_folder import find_cache_folder, hold_file_lock
from guestagent.package_data import find_package_data

TEST_ELEMENTS = Path(__file__).parent / "elements"
INCLUDED = "ca-certificates,python3,python3-venv,python3-yaml,rsync,sudo,systemd,systemd-sysv"
BUILD_TIMEOUT_S = 900

pytestmark = [pytest.mark.patient, pytest.mark.timeout(BUILD_TIMEOUT_S)]
CASES = [("rocky", "9", "guestagent-mariadb"), ("centos", "9-stream", "guestagent-mysql")]


def run(*argv: str | Path, **settings: str) -> None:
    environment = {**os.environ, **settings}
    ran = subprocess.run(
        argv,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_TIMEOUT_S,
    )
    assert ran.returncode == 0, ran.stdout[-4000:]


def provide_debian_root() -> Path:
    """Return a compressed tar of a small Debian root with Python 3.11; it is made once and kept in the cache."""
    cache = find_cache_folder() / "stub-roots"
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f"bookworm-{hashlib.sha256(INCLUDED.encode()).hexdigest()[:8]}.tar.gz"
    with hold_file_lock(cache / "bookworm.lock"):
        if not archive.exists():
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                options = ("--variant=minbase", f"--include={INCLUDED}")
                run("debootstrap", *options, "bookworm", f"{folder}/root")
                run("tar", "--numeric-owner", "-C", f"{folder}/root", "-czf", f"{folder}/tar", ".")
                Path(folder, "tar").rename(archive)
    return archive


class StubTree:
    """The tree that a build left, as a tar."""

    def __init__(self, archive: Path) -> None:
        self._archive = archive

    def read(self, name: str) -> str:
        with tarfile.open(self._archive) as tree:
            member = tree.extractfile(f"./{name}")
            assert member is not None
            return member.read().decode()

    def list_names(self) -> list[str]:
        with tarfile.open(self._archive) as tree:
            return [name.removeprefix("./") for name in tree.getnames()]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join(case[:2]))
def case(request: pytest.FixtureRequest) -> tuple[str, str, str]:
    parameter: tuple[str, str, str] = request.param
    return parameter


@pytest.fixture(scope="module")
def tree(case: tuple[str, str, str], tmp_path_factory: pytest.TempPathFactory) -> StubTree:
    """Build a tree with the elements as shipped."""
    distribution, release, element = case
    folder = tmp_path_factory.mktemp("build")
    programs = Path(sys.executable).parent
    run(
        *("unshare", "--mount", "--propagation", "private", programs / "disk-image-create"),
        *("-o", str(folder / "image"), "-t", "tar", "rpm-stub-root", element),
        PATH=f"{programs}:{os.environ['PATH']}",
        ELEMENTS_PATH=f"{TEST_ELEMENTS}:{find_package_data('elements')}",
        DISTRO_NAME=distribution,
        DIB_RELEASE=release,
        DIB_RPM_STUB_TAR=str(provide_debian_root()),
        DIB_NO_TMPFS="1",
        DIB_IMAGE_CACHE=str(folder / "cache"),
        DIB_LOCKFILES=str(folder / "locks"),
        TMP_DIR=str(folder),
    )
    return StubTree(folder / "image.tar")


def test_the_package_manager_is_asked_for_the_distributions_names(
    tree: StubTree, case: tuple[str, str, str]
) -> None:
    requests = tree.read("var/lib/rpm-stub.log")

    server = "mariadb-server" if case[2] == "guestagent-mariadb" else "mysql-server"
    words = set(requests.split())
    assert {"python3.11", "cloud-init", server} <= words
    assert not words & {
        "ifupdown",
        "isc-dhcp-client",
        "python3-venv",
        "linux-image-cloud-amd64",
        "systemd-resolved",
    }


def test_the_agent_runs_on_the_second_python_of_the_release(tree: StubTree) -> None:
    configuration = tree.read("opt/guestagent/pyvenv.cfg")

    assert "python3.11 -m venv" in configuration


def test_the_services_are_enabled(tree: StubTree, case: tuple[str, str, str]) -> None:
    names = set(tree.list_names())

    server = "mariadb" if case[2] == "guestagent-mariadb" else "mysqld"
    for unit in ("guestagent", "os-collect-config"):
        assert f"etc/systemd/system/cloud-init.target.wants/{unit}.service" in names
    assert f"etc/systemd/system/multi-user.target.wants/{server}.service" in names


def test_no_setting_of_debians_is_in_the_image(tree: StubTree) -> None:
    names = set(tree.list_names())

    assert not [name for name in names if name.startswith("etc/cloud/cloud.cfg.d/94-guestagent")]
    assert "etc/systemd/system-preset/50-guestagent.preset" not in names


def test_the_option_file_is_where_the_server_looks(tree: StubTree) -> None:
    assert [name for name in tree.list_names() if name.startswith("etc/my.cnf.d/") and "guestagent" in name]
