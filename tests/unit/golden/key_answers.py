"""Golden answers of the commands for a service's owner: its keys, and the rebuild of its store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from unittest import mock

from guestagent.resources.endpoint.key_file import write_key_file
from guestagent.resources.endpoint.key_ring import KEY_BYTES, KeyRing
from guestagent.resources.rebuild.rebuilt_cluster import Rebuild, RebuiltCluster
from guestagent.resources.service import store_rebuild
from guestagent.resources.store.records import ClusterRecord
from tests.unit.golden.command_line import ERROR_PROSE, answer_command
from tests.unit.golden.golden_file import add_golden

PROSE = (*ERROR_PROSE, "needs", "resources", "notes", "problems")
OLD, NEW = "k1-0a1b2c3d", "k2-4e5f6071"
SHOP = RebuiltCluster(
    cluster=ClusterRecord(id="an-id", name="shop", engine="natives"),
    problems=("no source",),
    notes=("its nodes prove themselves again",),
    lines=("Slave0000: server s1",),
)


@contextmanager
def fix_ids() -> Iterator[None]:
    """Give a new key the same id each time. It is patched in, because nobody may choose it."""
    with mock.patch("guestagent.resources.endpoint.key_ring.secrets.token_hex", return_value="8293a4b5"):
        yield


def answer_owner(words: list[str], folder: Path) -> str:
    """Run a command for a service that has two keys and no cluster."""
    write_key_file(folder / "keys.json", KeyRing(NEW, {name: bytes(KEY_BYTES) for name in (OLD, NEW)}))
    settings = folder / "resources.conf"
    settings.write_text(
        f"[store]\nconnection = sqlite:///{folder}/store/orders.db\n[endpoint]\nkey_file = {folder}/keys.json\n"
    )
    with fix_ids():
        return answer_command(["resources", *words, "--settings", str(settings)], folder, PROSE)


def answer_rebuild(folder: Path) -> str:
    """Run the command on what a look at a cloud would show."""
    rebuild = Rebuild("a-store", (SHOP,), ("blog has no server",))
    with mock.patch.object(store_rebuild, "rebuild_store", return_value=rebuild):
        return answer_owner(["rebuild"], folder)


add_golden("answers/resources-keys/some.json", partial(answer_owner, ["keys"]))
add_golden("answers/resources-add-key/added.json", partial(answer_owner, ["add-key"]))
add_golden("answers/resources-drop-key/dropped.json", partial(answer_owner, ["drop-key", OLD]))
add_golden("answers/resources-drop-key/newest.json", partial(answer_owner, ["drop-key", NEW]))
add_golden("answers/resources-rebuild/incomplete.json", answer_rebuild)
