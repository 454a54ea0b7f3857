"""The option file on each real server: every line of it is known there, in force at once or at the next start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guestagent.embedded.database_servers import Flavour
from tests.integration.test_agent import AgentGuest, build_source_document, format_worst_condition
from tests.support.database_servers import DatabaseServer, open_server

pytestmark = pytest.mark.every_server


class Managed(AgentGuest):
    @property
    def option_file(self) -> Path:
        return self.folder / "guestagent.cnf"

    def write_config(self) -> Path:
        path = super().write_config()
        path.write_text(f"{path.read_text()}option_file = {self.option_file}\nmemory_mb = 512\n")
        return path

    def configured(self, **variables: Any) -> dict[str, Any]:
        return self.apply(build_source_document(Variables=variables) | {"Users": []})

    def options(self) -> list[str]:
        """The file's lines, as a command line has them."""
        lines = [
            line for line in self.option_file.read_text().splitlines() if " = " in line and line[0] != "#"
        ]
        return [line.replace(" = ", "=") for line in lines]


@pytest.fixture
def guest(flavour: Flavour, empty: Path, tmp_path: Path) -> Iterator[Managed]:
    with open_server(tmp_path / "s", empty, "server-id=1", "read-only=1", flavour=flavour) as server:
        yield Managed(server, tmp_path)


def now(server: DatabaseServer, name: str) -> str | None:
    return server.query_value(f"@@GLOBAL.{name}")


def test_the_servers_own_configuration_is_in_force_and_a_second_pass_is_quiet(guest: Managed) -> None:
    told = guest.configured(wait_timeout=600)
    before = guest.server.read_position(), guest.option_file.stat()
    again = guest.configured(wait_timeout=600)

    assert (told["state"], again["state"]) == ("ready", "ready"), (
        format_worst_condition(told),
        format_worst_condition(again),
    )
    assert (guest.server.read_position(), guest.option_file.stat()) == before
    assert (now(guest.server, "sync_binlog"), now(guest.server, "wait_timeout")) == ("1", "600")
    assert now(guest.server, "innodb_buffer_pool_size") == str(128 * 2**20)


def test_the_server_starts_with_every_line_of_it(guest: Managed) -> None:
    guest.configured()
    guest.server.stop()

    guest.server.start(*guest.options())
    told = guest.configured()

    assert told["state"] == "ready", format_worst_condition(told)
    assert now(guest.server, "report_host") == "Master0000"
    assert now(guest.server, "server_id") == "71"
    seen = next(each["seen"] for each in told["conditions"] if each["name"] == "configuration")
    assert "now" not in seen
