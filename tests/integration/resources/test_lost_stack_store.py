"""A service for stacks alone has lost its store: it does not begin anew by itself, and its store can be rebuilt."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openstack
import pytest

from guestagent.embedded import Serving, serving
from guestagent.resources.orchestrator.template_mark import TemplateMark, mark_template
from tests.support.served_manager import ServedManager, serve_manager

LOST = "99999999-0000-4000-8000-000000000000"
CLUSTER_ID = "6d1c7e0e-57b3-4a9c-8d1f-2f3f0d7c1a55"


@pytest.fixture
def served() -> Iterator[Serving]:
    with serving() as served:
        yield served


@pytest.fixture
def service(served: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedManager]:
    settings = {"resources": "engine = orchestrator", "endpoint": ""}
    with serve_manager(tmp_path, served.connect, settings) as service:
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(service.clouds_file))
        yield service


def create_stack(served: Serving) -> None:
    """Create a stack with the mark of a store that is not there."""
    mark = TemplateMark(store=LOST, cluster=CLUSTER_ID, operation=CLUSTER_ID, number=1)
    template = {
        "heat_template_version": "2018-08-31",
        "resources": {"X": {"type": "OS::Heat::WaitConditionHandle"}},
    }
    body = {"stack_name": "wiki", "template": mark_template(template, mark)}
    with openstack.connect(**served.connect) as connection:
        answer = connection.orchestration.post("/stacks", json=body)
    assert answer.status_code == 201, answer.text


def run_command(service: ServedManager, *words: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "guestagent", "resources"]
    command = [*program, *words, "--settings", str(service.settings_file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_a_lost_store_of_stacks_is_noticed_and_rebuilt_without_keys(
    service: ServedManager, served: Serving, tmp_path: Path
) -> None:
    service.start()
    service.stop()
    create_stack(served)

    listed = run_command(service, "list")
    refused, local = service.run(), run_command(service, "register", "wiki")
    shown = run_command(service, "rebuild")
    written = run_command(service, "rebuild", "--apply", "--store-id", LOST)
    service.start()
    rebuilt = run_command(service, "list")

    assert (listed.returncode, "wiki" in listed.stdout) == (0, False)
    for ended in (refused, local):
        assert ended.returncode == 8, ended.stderr
        assert f"have the mark of another one ({LOST}: wiki)" in ended.stderr
    assert f"--store-id {LOST}" in shown.stderr
    assert written.returncode == 0, written.stderr
    assert "wiki" in rebuilt.stdout
    assert not list(tmp_path.rglob("keys.json"))


def test_a_manager_beside_another_one_is_told_once(service: ServedManager, served: Serving) -> None:
    create_stack(served)
    refused = service.run()
    service.start("--new-store")
    service.stop()

    service.start()

    assert refused.returncode == 8
    assert run_command(service, "list").returncode == 0
