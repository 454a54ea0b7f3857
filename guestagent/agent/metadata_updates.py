"""Whether this node receives updates of its metadata.

A node of Heat whose collector was never configured would become ready, and then miss every update of its stack.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from guestagent import atomic_file
from guestagent.agent import metadata_files
from guestagent.agent.collector_config import find_requested_options, list_update_collectors, update_config
from guestagent.agent.model import Condition, ConditionState
from guestagent.agent.settings import Settings
from guestagent.errors import InvalidMetadata, StorageError

CONDITION_NAME = "metadata updates"
COLLECTOR_TIMEOUT_S = 30.0
"""The collector's configuration is written after the document has come, by `poke`."""
METADATA_SERVER_FILE = Path("/var/lib/heat-cfntools/cfn-metadata-server")
CLOUD_INIT_FOLDER = Path("/run/cloud-init")
SERVER_TEXT_LIMIT = 200
ADVICE = (
    "user data did not configure os-collect-config: look at heat-provision.log, guestagent-userdata.log and "
    "cloud-init-output.log in /var/log"
)


@dataclass(frozen=True, slots=True)
class UpdateRoute:
    """The way on which newer metadata reaches this node.

    `collectors`: those that the file `config` configures to read newer metadata; None if there is no such file.
    `metadata_server`: the server that Heat has named for this node, "" if it has named none.
    """

    config: str
    collectors: tuple[str, ...] | None
    metadata_server: str = ""
    is_user_data_pending: bool = False


def judge_metadata_updates(route: UpdateRoute, elapsed: float) -> Iterator[Condition]:
    """Judge whether updates reach the node; no condition if they do. `elapsed`: the seconds of the work so far.

    A node for which nobody has named a metadata server was configured by hand, and is ready without updates.
    """
    if route.collectors:
        return
    if route.collectors is None:
        actual = f"not known, because {route.config} is missing"
        yield Condition(CONDITION_NAME, ConditionState.HELD, "known", actual)
        return
    if not route.metadata_server:
        actual = f"none: {route.config} has no collector that reads newer metadata, and no metadata server is named"
        yield Condition(CONDITION_NAME, ConditionState.HELD, "none", actual)
        return
    is_early = route.is_user_data_pending or elapsed < COLLECTOR_TIMEOUT_S
    yield Condition(
        CONDITION_NAME,
        ConditionState.PENDING if is_early else ConditionState.FINAL,
        f"a collector that reads from {route.metadata_server}",
        f"none in {route.config}: the node has only the metadata of its boot",
        "cloud-init has not finished" if route.is_user_data_pending else ADVICE,
    )


def read_update_route(
    settings: Settings,
    server_file: Path = METADATA_SERVER_FILE,
    cloud_init_folder: Path = CLOUD_INIT_FOLDER,
) -> UpdateRoute:
    """Read the collector's configuration, and what Heat has left on this machine."""
    config = settings.collector_config
    text = read_collector_config(config)
    collectors = None if text is None else list_update_collectors(text)
    server = _read_server(server_file)
    if collectors is None or collectors:
        return UpdateRoute(str(config), collectors, server)
    server = server or _find_server_in_document(settings)
    is_pending = (cloud_init_folder / "status.json").exists() and not (
        cloud_init_folder / "result.json"
    ).exists()
    return UpdateRoute(str(config), collectors, server, is_pending)


def read_collector_config(config: Path) -> str | None:
    """Return the configuration with its drop-ins, as os-collect-config reads them; None if it cannot be read."""
    text = _read_text(config)
    if text is None:
        return None
    others = (_read_text(path) or "" for path in sorted(config.with_name(f"{config.name}.d").glob("*.conf")))
    return "\n[DEFAULT]\n".join([text, *others])


def _read_server(file: Path) -> str:
    """Return the metadata server that Heat's part handler has left; "" if there is none."""
    return " ".join((_read_text(file) or "").split())[:SERVER_TEXT_LIMIT]


def _find_server_in_document(settings: Settings) -> str:
    """Return where the document says that its updates are; "" if it does not say so."""
    try:
        collected = metadata_files.find_latest_document(settings)
    except (InvalidMetadata, StorageError):
        return ""
    if collected is None:
        return ""
    collectors = list_update_collectors(update_config("", find_requested_options(collected.document)))
    return f"Heat ({', '.join(collectors)}, in the metadata's os-collect-config)" if collectors else ""


def _read_text(path: Path) -> str | None:
    try:
        content = atomic_file.read_file(path)
    except StorageError:
        return None
    return None if content is None else content.decode(errors="replace")
