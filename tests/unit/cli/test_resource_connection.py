"""How `guestagent resources` reaches the service: the files of the broker, and a whole command through one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.cli import command_line
from guestagent.cli.resource_commands.connection import UNSERVED_NOTE
from guestagent.embedded.process.clouds_yaml import write_entry
from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.rpc.broker_settings import BrokerSettings
from guestagent.resources.rpc.messaging import MessageServer
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.store.service_presence import hold_presence
from guestagent.secret import Secret
from tests.support.polling import wait_until
from tests.unit.resources.clusters import FakeEngine

IN_MEMORY = "kombu+memory://"


@pytest.fixture
def url_file(tmp_path: Path) -> Path:
    return write_private(tmp_path / "url", f"{IN_MEMORY}\n")


def write_private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.fixture
def service() -> Iterator[OrderIntake]:
    intake = OrderIntake(MemoryStore(), select_engine(FakeEngine()))
    server = MessageServer(BrokerSettings(Secret(IN_MEMORY)), intake, "one")
    server.open()
    wait_until(lambda: server.is_serving)
    yield intake
    server.close()


def test_an_order_goes_through_the_broker(
    service: OrderIntake, url_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cluster.yaml").write_text("{replicas: 1}")
    words = ["create", "shop", "-f", f"{tmp_path}/cluster.yaml", "--broker-url-file", f"{url_file}"]

    code = command_line.main(["resources", *words])

    [operation] = service.operations("shop")
    assert code == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"To follow it: guestagent resources wait {operation.id} --broker-url-file {url_file}"
    )


def test_a_command_of_this_host_says_that_no_service_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_entry(tmp_path / "clouds.yaml", "mine", {"auth": {"auth_url": "http://127.0.0.1:9/v3"}})
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", f"{tmp_path}/clouds.yaml")
    store_file, settings_file = tmp_path / "store" / "orders.db", tmp_path / "resources.conf"
    settings_file.write_text(
        f"[resources]\nengine = orchestrator\n[cloud]\nname = mine\n[store]\nconnection = sqlite:///{store_file}\n"
    )

    assert command_line.main(["resources", "list", "--settings", f"{settings_file}"]) == 0
    unserved = capsys.readouterr().err
    with hold_presence(store_file, lambda: 0):
        assert command_line.main(["resources", "list", "--settings", f"{settings_file}"]) == 0
    served = capsys.readouterr().err

    assert unserved == f"{UNSERVED_NOTE}\n"
    assert served == ""


URLS = {
    "amqp://user:hidden@host/": "found amqp://...",
    "rabbit://user:hidden@host/?ssl=1": "found one of them (TLS is on with broker.authority",
    "rabbit://user:hidden@[host/": "found a URL that cannot be parsed",
    "user:hidden@host": "found no URL",
    "rabbit://user:hidden@host/ and more": "found no URL",
}


@pytest.mark.parametrize(("url", "message"), URLS.items())
def test_a_bad_url_is_described_and_not_shown(
    url: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_private(tmp_path / "url", url)

    code = command_line.main(["resources", "list", "--broker-url-file", f"{file}"])

    reported = capsys.readouterr().err
    assert code == 2
    assert (
        f"{file}: expected one line with a URL, rabbit://USER:PASSWORD@HOST:PORT/VHOST, {message}" in reported
    )
    assert "hidden" not in reported


def test_a_url_that_others_can_read_is_refused(url_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url_file.chmod(0o640)

    assert command_line.main(["resources", "list", "--broker-url-file", f"{url_file}"]) == 2

    assert f"found mode 0640 (chmod 600 {url_file})" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "found"), [(None, os.strerror(2)), ("secret", "none in it")])
def test_a_ca_is_a_file_with_certificates(
    text: str | None, found: str, url_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    authority = tmp_path / "ca.pem"
    if text is not None:
        authority.write_text(text)

    words = ["list", "--broker-url-file", f"{url_file}", "--broker-ca", f"{authority}"]
    assert command_line.main(["resources", *words]) == 2

    assert f"{authority}: expected a" in (reported := capsys.readouterr().err)
    assert f"found {found}" in reported


CHOICES = [
    (
        [],
        "--broker-url-file: expected the file with the URL of the broker; or --settings of a service on this host",
    ),
    (
        ["--broker-ca", "ca.pem"],
        "--broker-ca and --broker-quorum-queues: expected --broker-url-file beside them",
    ),
    (
        ["--broker-quorum-queues"],
        "--broker-ca and --broker-quorum-queues: expected --broker-url-file beside them",
    ),
    (
        ["--broker-url-file", "url", "--settings", "conf"],
        "--broker-url-file: expected no --settings beside it",
    ),
    (["--settings", "/nowhere/conf"], "/nowhere/conf"),
]


@pytest.mark.parametrize(("options", "message"), CHOICES, ids=[" ".join(options) for options, _ in CHOICES])
def test_one_manager_is_named(
    options: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GUESTAGENT_RESOURCES_SETTINGS", raising=False)

    assert command_line.main(["resources", "list", *options]) == 2

    assert message in capsys.readouterr().err
