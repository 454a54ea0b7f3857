"""`guestagent resources` as a person types it on another host: over a real RabbitMQ."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.operation import Operation
from guestagent.resources.orders import RenewInstance
from guestagent.resources.rpc.broker_settings import BrokerSettings
from guestagent.secret import Secret
from tests.support.message_broker.broker import MessageBroker
from tests.support.message_broker.broker_clients import open_server
from tests.support.orders import build_order
from tests.support.resource_commands import ResourceCommands

pytestmark = pytest.mark.timeout(900)


class IdleManager(OrderIntake):
    """A manager without workers, which keeps no caller waiting for long."""

    def wait(self, operation_id: str, after: int, up_to_s: float) -> Operation:
        return super().wait(operation_id, after, min(up_to_s, 0.5))


@dataclass(frozen=True, slots=True)
class RemoteOperator:
    """A person with a file that holds the broker's URL."""

    url_file: Path

    @contextmanager
    def start(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            self._build_command(words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self._build_command(words), capture_output=True, text=True)

    def _build_command(self, words: Sequence[str]) -> list[str]:
        options = ["--broker-url-file", str(self.url_file)]
        return [sys.executable, "-m", "guestagent", "resources", *words, *options]


def build_operator(folder: Path, url: Secret) -> RemoteOperator:
    file = folder / "broker-url"
    file.touch(0o600)
    file.write_text(url.reveal())
    return RemoteOperator(file)


@pytest.fixture
def operator(settings: BrokerSettings, tmp_path: Path) -> RemoteOperator:
    return build_operator(tmp_path, settings.url)


@pytest.fixture
def commands() -> ResourceCommands:
    commands = ResourceCommands()
    commands.make_cluster()
    return commands


def test_an_order_is_given_and_waited_for(
    settings: BrokerSettings, operator: RemoteOperator, commands: ResourceCommands
) -> None:
    with open_server(settings, commands.manager):
        renewed = operator.run(
            "renew-instance", "shop", "Slave0000", "--request-id", "one", "--wait", "--json"
        )
        listed = operator.run("list", "--json")

    operation = json.loads(renewed.stdout)
    assert (renewed.returncode, operation["state"], operation["request_id"]) == (0, "done", "one")
    assert renewed.stderr.splitlines()[-1].endswith("shop  renew_instance  done")
    assert json.loads(listed.stdout) == {"clusters": [{"name": "shop", "engine": "fake"}]}


def test_a_command_waits_for_a_service_that_is_started_again(
    settings: BrokerSettings, operator: RemoteOperator, commands: ResourceCommands
) -> None:
    order = build_order(RenewInstance, request_id="one", instance="Slave0000")
    operation = commands.manager.submit(order)
    with operator.start("wait", operation.id) as waiting:
        with open_server(settings, IdleManager(commands.store, select_engine(commands.engine))):
            assert waiting.stderr is not None
            assert "accepted" in waiting.stderr.readline()
        with open_server(settings, commands.manager):
            printed, _ = waiting.communicate()

    assert waiting.returncode == 0
    assert printed.startswith(f"operation {operation.id}: renew_instance of shop is done\n")


def test_a_password_that_the_broker_refuses_is_no_answer_and_not_shown(
    broker: MessageBroker, vhost: str, tmp_path: Path
) -> None:
    operator = build_operator(tmp_path, Secret(broker.build_url(vhost, password="hidden")))

    refused = operator.run("renew-instance", "shop", "Slave0000", "--request-id", "one")

    assert refused.returncode == 13
    assert refused.stdout == ""
    [line] = refused.stderr.splitlines()
    assert line.startswith("guestagent: ")
    assert line.endswith("the order may have been accepted: repeat this command with --request-id one")
    assert "hidden" not in refused.stderr
