"""OpenStack's own tests of Heat against the fake one, unmodified, as they come from PyPI."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from guestagent.embedded import serving
from tests.integration.openstack_tests import runner as runner
from tests.integration.openstack_tests.exclusions import (
    CURL_TEST,
    EXCLUDED,
    INTREE,
    PACKAGES,
    PACKAGES_WITHOUT_DEPENDENCIES,
    PLUGIN,
    RUNS,
    SLOW_TEST,
)
from tests.integration.openstack_tests.script_guests import ScriptHypervisor
from tests.support.pypi_programs import install_programs

pytestmark = pytest.mark.timeout(900)  # the first run installs them
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "openstack-tests.md"
ROW = re.compile(r"^\| (.+?) \| (`.+`) \|$", re.M)
NAME = re.compile(r"`([^`]+)`")
Results = Mapping[str, str]


class Tempest:
    """An environment with the tests, configured for one cloud."""

    def __init__(self, folder: Path, connect: Mapping[str, Any]) -> None:
        self.python = install_programs("openstack-tests", PACKAGES, PACKAGES_WITHOUT_DEPENDENCIES) / "python"
        self.folder = folder
        (folder / "tempest.conf").write_text(build_configuration(folder, connect))

    def run(self, name: str, *options: str, timeout_s: int = 200) -> dict[str, str]:
        command = [str(self.python), str(runner.__file__), name, *options]
        environment = {**os.environ, "TEMPEST_CONFIG_DIR": str(self.folder), "TEMPEST_CONFIG": "tempest.conf"}
        completed = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=timeout_s
        )
        assert completed.returncode == 0, completed.stderr
        results: dict[str, str] = json.loads(completed.stdout)
        return results


@pytest.fixture(scope="module")
def tempest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tempest]:
    folder = tmp_path_factory.mktemp("tempest")
    with serving(ScriptHypervisor(folder)) as cloud:
        yield Tempest(folder, cloud.connect)


@pytest.fixture(scope="module")
def results(tempest: Tempest) -> Results:
    """The result of every test that is not excluded; each package runs in its own process."""
    with ThreadPoolExecutor(len(RUNS)) as executor:
        runs = executor.map(lambda name: tempest.run(name, "--without", *EXCLUDED), RUNS)
        return {test: result for run in runs for test, result in run.items()}


def test_every_test_that_is_not_excluded_passes(results: Results) -> None:
    assert {test: result for test, result in results.items() if result != "passed"} == {}
    assert len(results) > 60


def test_a_guest_that_signals_with_curl_completes_its_condition(results: Results) -> None:
    assert [result for test, result in results.items() if test.startswith(CURL_TEST)] == ["passed"]


def test_every_excluded_test_exists(tempest: Tempest) -> None:
    files = {each.name for each in tempest.python.parents[1].glob("lib/*/site-packages/heat_*/**/test_*.py")}

    modules = {next(part for part in prefix.split(".") if part.startswith("test_")) for prefix in EXCLUDED}

    assert {f"{module}.py" for module in modules} - files == set()


def test_the_page_names_every_excluded_test() -> None:
    page = PAGE.read_text()
    rows = {name: reason for reason, names in ROW.findall(page) for name in NAME.findall(names)}

    expected = {shorten_name(prefix): reason for prefix, reason in EXCLUDED.items() if prefix != SLOW_TEST}

    assert rows == expected
    assert all(package.partition("==")[2] in page for package in (*PACKAGES, *PACKAGES_WITHOUT_DEPENDENCIES))


@pytest.mark.patient
def test_updates_of_a_stack_in_progress_pass_as_well(tempest: Tempest) -> None:
    assert set(tempest.run(SLOW_TEST, timeout_s=400).values()) == {"passed"}


def shorten_name(name: str) -> str:
    return name.removeprefix(f"{PLUGIN}.").replace(INTREE, "heat_integrationtests")


def build_configuration(folder: Path, connect: Mapping[str, Any]) -> str:
    auth = connect["auth"]
    return f"""
[DEFAULT]
log_dir = {folder}
[oslo_concurrency]
lock_path = {folder}
[service_available]
cinder = false
swift = false
zaqar = false
[heat_plugin]
auth_url = {auth["auth_url"]}
username = {auth["username"]}
password = {auth["password"]}
project_name = {auth["project_name"]}
user_domain_name = Default
project_domain_name = Default
region = {connect["region_name"]}
image_ref = guestagent-mariadb
minimal_image_ref = guestagent-mariadb
instance_type = m1.small
minimal_instance_type = m1.tiny
fixed_network_name = embedded
fixed_subnet_name = embedded-subnet
network_for_ssh = embedded
build_interval = 1
build_timeout = 120
"""
