"""A server for all tests of the resident agent, reset before each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.agent_guest import IMAGE_OPTIONS, AgentGuest
from tests.support.database_servers import DatabaseServer, install_data_directory, open_server
from tests.support.resident_agent import ResidentAgent


@pytest.fixture(scope="package")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_data_directory(tmp_path_factory.mktemp("residence") / "template")


@pytest.fixture(scope="package")
def _server(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    with open_server(
        tmp_path_factory.mktemp("residence") / "s", template, "server-id=1", *IMAGE_OPTIONS
    ) as running_server:
        yield running_server


@pytest.fixture
def server(_server: DatabaseServer) -> DatabaseServer:
    _server.reset().execute("SET GLOBAL read_only = 1")
    return _server


@pytest.fixture
def resident_agent(server: DatabaseServer, tmp_path: Path) -> ResidentAgent:
    (tmp_path / "guest").mkdir()
    return ResidentAgent(AgentGuest(server, tmp_path / "guest"))
