"""Distribution of tests by xdist: in the order of collection, and tests that share servers to one worker.

xdist's own groups (`--dist loadgroup`) do nothing with pytest 9.2: they rename tests, and it no longer lets them.
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.support.selection import get_work_unit


class SharedServerScheduler(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a worker the next work unit when it has almost completed the previous one."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return get_work_unit(nodeid)
