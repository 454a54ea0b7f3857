"""The resource manager's unit under a real systemd: it starts confined, is started again, and stops in good order."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from guestagent.package_data import find_package_data
from tests.support.polling import wait_until
from tests.support.systemd_host import SystemdHost, has_equal_python, open_systemd_host

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not has_equal_python(), reason="the system's Python is of another version than this one"
    ),
]

UNIT = "guestagent-resources@resources"
BROKEN_UNIT = "guestagent-resources@broken"
KEY_FILE = "/var/lib/guestagent-resources/keys.json"
CLOUD_PASSWORD = "the-password-of-the-cloud"
CLOUDS = f"""\
clouds:
  away:
    auth:
      auth_url: http://127.0.0.1:9/v3
      username: manager
      password: {CLOUD_PASSWORD}
      project_name: databases
      user_domain_name: Default
      project_domain_name: Default
"""
SETTINGS = """\
[resources]
engine = natives
[cloud]
name = away
[endpoint]
public_url = http://127.0.0.1:8785
"""
EXPOSURE_LIMIT = 20
"""Tenths, as `systemd-analyze security` counts them."""
READ_HEALTH = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:9785/healthz').status)"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemdHost]:
    """A host on which the service was installed as its page says. Its cloud does not answer."""
    with open_systemd_host(tmp_path_factory.mktemp("systemd")) as host:
        host.read("useradd", "--system", "--home-dir", "/var/lib/guestagent-resources", "guestagent")
        template = find_package_data("systemd") / "resources/guestagent-resources@.service"
        host.install(f"/etc/systemd/system/{template.name}", template.read_text())
        host.install("/etc/openstack/clouds.yaml", CLOUDS, "guestagent")
        host.install("/etc/guestagent/resources.conf", SETTINGS, "guestagent")
        host.install("/etc/guestagent/broken.conf", SETTINGS + "listen = nowhere\n", "guestagent")
        host.read("systemctl", "daemon-reload")
        host.read("systemctl", "start", UNIT)
        yield host


def show(host: SystemdHost, unit: str, name: str) -> str:
    """Return a property of a unit."""
    return host.read("systemctl", "show", "--value", "-p", name, unit)


def test_the_service_is_ready_and_healthy_without_its_cloud(host: SystemdHost) -> None:
    health = host.read("/usr/bin/python3", "-c", READ_HEALTH)

    assert health == "200"
    assert show(host, UNIT, "ActiveState") == "active"
    assert host.read("stat", "-c", "%U %a", KEY_FILE) == "guestagent 600"


def test_the_running_service_is_confined(host: SystemdHost) -> None:
    answer = host.run("systemd-analyze", "security", f"--threshold={EXPOSURE_LIMIT}", "--no-pager", UNIT)

    assert answer.returncode == 0, answer.stdout[-300:]


def test_a_killed_service_is_started_again(host: SystemdHost) -> None:
    killed = show(host, UNIT, "MainPID")

    host.read("kill", "-9", killed)

    wait_until(lambda: show(host, UNIT, "MainPID") not in {killed, "0"}, 300.0, 0.5)
    wait_until(lambda: show(host, UNIT, "ActiveState") == "active", 300.0, 0.5)
    assert host.read("/usr/bin/python3", "-c", READ_HEALTH) == "200"


def test_a_stopped_service_ends_in_good_order_and_starts_again(host: SystemdHost) -> None:
    host.read("systemctl", "stop", UNIT)
    ended = [show(host, UNIT, name) for name in ("ActiveState", "Result", "ExecMainStatus")]
    host.read("systemctl", "restart", UNIT)

    assert ended == ["inactive", "success", "0"]
    assert show(host, UNIT, "ActiveState") == "active"


def test_a_service_with_wrong_settings_is_not_started_again(host: SystemdHost) -> None:
    started = host.run("systemctl", "start", BROKEN_UNIT)

    assert started.returncode != 0
    assert [show(host, BROKEN_UNIT, name) for name in ("ExecMainStatus", "NRestarts")] == ["2", "0"]
    assert "endpoint.listen" in host.read("journalctl", "--no-pager", "-o", "cat", "-u", BROKEN_UNIT)


def test_the_journal_has_no_secret(host: SystemdHost) -> None:
    host.read("systemctl", "restart", UNIT)
    keys = json.loads(host.read("cat", KEY_FILE))

    journal = host.read("journalctl", "--no-pager", "-o", "verbose")

    assert "the resource manager is ready" in journal
    secrets = [CLOUD_PASSWORD, *find_texts(keys)]
    assert [secret for secret in secrets if secret in journal] == []


def find_texts(document: object) -> list[str]:
    """Return every long text of a JSON document: the keys are among them."""
    if isinstance(document, dict):
        return [text for value in document.values() for text in find_texts(value)]
    if isinstance(document, list):
        return [text for value in document for text in find_texts(value)]
    return [document] if isinstance(document, str) and len(document) > 20 else []
