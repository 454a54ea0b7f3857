"""Waiting until a channel between real servers has applied a history."""

from __future__ import annotations

from contextlib import closing

import pytest

from guestagent.database.protocols import Database
from guestagent.database.steps import StartChannel
from tests.support.database_servers import DatabaseServer
from tests.support.replication import build_point_channel

pytestmark = pytest.mark.every_server


class TestWaiting:
    def test_waiting_ends_when_the_channel_has_applied_the_history(
        self, source: DatabaseServer, replica: Database
    ) -> None:
        source.execute("CREATE DATABASE d", "CREATE TABLE d.t (a INT)", "INSERT INTO d.t VALUES (1)")
        with closing(source.open()) as other:
            source_history = other.observe().history
        replica.apply(build_point_channel(source))
        replica.apply(StartChannel())

        replica.wait_for_history(source_history, 30)

        assert replica.observe().history.contains(source_history)

    def test_waiting_ends_after_its_time_limit(self, source: DatabaseServer, replica: Database) -> None:
        source.execute("CREATE DATABASE d")
        with closing(source.open()) as other:
            source_history = other.observe().history

        replica.wait_for_history(source_history, 0.1)

        assert not replica.observe().history.contains(source_history)
