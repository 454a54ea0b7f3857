"""A source with all kinds of objects and without its first logs, and an empty replica, which boots read-only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import FLAVOURS, Flavour, copy_data_directory
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import (
    READ_ONLY_VARIABLES,
    DatabaseServer,
    find_free_port,
    install_data_directory,
    open_server,
)
from tests.support.dump_nodes import DumpReplica, fill_dump_source

SOURCE_MIB = 24
LOGS = (
    "general-log=1",
    "general-log-file=../general.log",
    "slow-query-log=1",
    "slow-query-log-file=../slow.log",
    "long-query-time=0",
)


@pytest.fixture(scope="session", params=[pytest.param(each, id=name) for name, each in FLAVOURS.items()])
def flavour(request: pytest.FixtureRequest) -> Flavour:
    parameter: Flavour = request.param
    return parameter


@pytest.fixture(scope="session")
def data_template(flavour: Flavour, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_data_directory(tmp_path_factory.mktemp(flavour.name) / "template", flavour)


@pytest.fixture(scope="module")
def source(
    flavour: Flavour,
    data_template: Path,
    authority: CertificateAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DatabaseServer]:
    folder = tmp_path_factory.mktemp("source") / "s"
    options = ("server-id=1", "event-scheduler=OFF", *LOGS, *authority.valid.options)
    with open_server(folder, data_template, *options, flavour=flavour) as server:
        fill_dump_source(server, SOURCE_MIB)
        yield server


@contextmanager
def open_dump_replica(
    folder: Path, data_template: Path, flavour: Flavour, source: DatabaseServer
) -> Iterator[DumpReplica]:
    """Run an empty replica, as an image boots it, whose events would be executed."""
    folder.mkdir()
    copy_data_directory(data_template, folder / "data")
    read_only = READ_ONLY_VARIABLES[flavour.family].replace("_", "-")
    options = ("server-id=2", f"{read_only}=1", "skip-slave-start", "event-scheduler=ON", *LOGS)
    replica = DumpReplica(DatabaseServer(folder, find_free_port(), options, flavour), source)
    replica.start_server()
    try:
        yield replica
    finally:
        replica.close()


@pytest.fixture
def replica(
    flavour: Flavour, data_template: Path, source: DatabaseServer, tmp_path: Path
) -> Iterator[DumpReplica]:
    with open_dump_replica(tmp_path / "replica", data_template, flavour, source) as replica:
        yield replica
