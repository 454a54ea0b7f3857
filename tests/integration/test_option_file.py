"""The option file on each real server: the server accepts every line, at once or at its next start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guestagent.embedded.database_servers import Flavour
from tests.support.agent_guest import AgentGuest, build_source_document, format_worst_condition
from tests.support.database_servers import DatabaseServer, open_server

pytestmark = pytest.mark.every_server


class GuestWithOptionFile(AgentGuest):
    """A guest whose agent writes an option file."""

    @property
    def option_file(self) -> Path:
        return self.folder / "guestagent.cnf"

    def write_config(self) -> Path:
        path = super().write_config()
        path.write_text(f"{path.read_text()}option_file = {self.option_file}\nmemory_mb = 512\n")
        return path

    def apply_variables(self, **variables: Any) -> dict[str, Any]:
        return self.apply(build_source_document(Variables=variables) | {"Users": []})

    def list_options(self) -> list[str]:
        """Return the lines of the file as command-line options."""
        lines = [
            line for line in self.option_file.read_text().splitlines() if " = " in line and line[0] != "#"
        ]
        return [line.replace(" = ", "=") for line in lines]


@pytest.fixture
def guest(flavour: Flavour, data_template: Path, tmp_path: Path) -> Iterator[GuestWithOptionFile]:
    with open_server(tmp_path / "s", data_template, "server-id=1", "read-only=1", flavour=flavour) as server:
        yield GuestWithOptionFile(server, tmp_path)


def read_variable(server: DatabaseServer, name: str) -> str | None:
    return server.query_value(f"@@GLOBAL.{name}")


def test_the_configuration_is_in_force_and_a_second_pass_changes_nothing(
    guest: GuestWithOptionFile,
) -> None:
    report = guest.apply_variables(wait_timeout=600)
    before = guest.server.read_position(), guest.option_file.stat()
    second_report = guest.apply_variables(wait_timeout=600)

    assert (report["state"], second_report["state"]) == ("ready", "ready"), (
        format_worst_condition(report),
        format_worst_condition(second_report),
    )
    assert (guest.server.read_position(), guest.option_file.stat()) == before
    assert (read_variable(guest.server, "sync_binlog"), read_variable(guest.server, "wait_timeout")) == (
        "1",
        "600",
    )
    assert read_variable(guest.server, "innodb_buffer_pool_size") == str(128 * 2**20)


def test_the_server_starts_with_every_line_of_the_file(guest: GuestWithOptionFile) -> None:
    guest.apply_variables()
    guest.server.stop()

    guest.server.start(*guest.list_options())
    report = guest.apply_variables()

    assert report["state"] == "ready", format_worst_condition(report)
    assert read_variable(guest.server, "report_host") == "Master0000"
    assert read_variable(guest.server, "server_id") == "71"
    text = next(each["seen"] for each in report["conditions"] if each["name"] == "configuration")
    assert "now" not in text
