"""A server that answers as the CFN API of Heat does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.cfn_signal_server import CfnSignalServer, open_signal_server


@pytest.fixture
def heat() -> Iterator[CfnSignalServer]:
    with open_signal_server() as server:
        yield server
