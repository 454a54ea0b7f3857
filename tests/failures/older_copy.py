"""A source that is restored from an older copy of its data directory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from tests.failures.server_pair import Pair


@contextmanager
def restore_older_copy(pair: Pair, *, is_ready: bool = True) -> Iterator[None]:
    """After the block, restore the source's data to its state before the block.

    `is_ready`: its agent must be ready.
    """
    data, copy = pair.source.server.folder / "data", pair.source.server.folder / "copy"
    pair.source.server.stop()
    shutil.copytree(data, copy)
    pair.source.server.start()
    answer = pair.source.apply(pair.build_source_document())
    assert answer.is_ready or not is_ready
    yield
    pair.source.server.stop()
    shutil.rmtree(data)
    copy.rename(data)
    pair.source.server.start()
