"""`guestagent poke`, os-collect-config's command: hand over and return, for it collects nothing while this runs."""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from guestagent import atomic_file
from guestagent.agent import metadata_files
from guestagent.agent.inbox import DocumentInbox
from guestagent.agent.settings import Settings
from guestagent.agent.wakeup_pipe import FILES_VARIABLE
from guestagent.errors import InvalidInput, Problem, StorageError

LOG = logging.getLogger("guestagent")
# Heat's part handler writes these at boot, for everyone to read, with the node's passwords in them.
BOOT_COPIES = (Path("/var/lib/heat-cfntools/cfn-init-data"), Path("/var/lib/cloud/data/cfn-init-data"))
BACKUP_CACHE = Path("/run/os-collect-config")
STALE_FILE_AGE_S = 3600.0


def deliver_document(
    environ: Mapping[str, str],
    settings: Settings,
    boot_copies: Iterable[Path] = BOOT_COPIES,
    backup_cache: Path = BACKUP_CACHE,
) -> None:
    """Keep the collected document for the agent, tell it, and keep the collector's configuration and files in order.

    An error makes os-collect-config come again with the same document: InvalidInput where its files cannot be read,
    StorageError where ours cannot be written. An agent that is down or busy is none.
    """
    paths = _paths(environ)
    restrict_access([*boot_copies], [settings.collector_cache, backup_cache])
    mailbox = DocumentInbox(settings.state_folder, settings.run_folder)
    found = metadata_files.choose_document(paths)
    if found is None or metadata_files.is_outdated(
        found, metadata_files.find_stored_document(settings.state_folder), paths
    ):
        LOG.info("nothing new for this node in %s", ":".join(map(str, paths)))
        return
    mailbox.store(found)
    configure_collector(settings.collector_config, found.document)


def configure_collector(file: Path, document: Mapping[str, object]) -> None:
    """Write what the document says of the collector into its configuration, where that differs. A missing file stays
    missing: the collector reads another one then.
    """
    # Not before the agent was told: it is at work while these are imported.
    from guestagent.agent.collector_config import find_requested_options, update_config

    wanted = find_requested_options(document)
    if not wanted:
        return
    content = atomic_file.read_file(file)
    if content is None:
        LOG.warning("%s is missing: what os-collect-config shall be is not applied", file)
        return
    text = content.decode(errors="surrogateescape")
    new = update_config(text, wanted)
    if new != text:
        atomic_file.write_file(file.resolve(), new.encode(errors="surrogateescape"))


def restrict_access(files: Iterable[Path], caches: Iterable[Path]) -> None:
    """Close files and caches to all but root, and empty what nobody reads any more in the caches.

    What cannot be done is only told: a document must get through all the same.
    """
    for file in files:
        _close(file, atomic_file.PRIVATE_FILE)
    for cache in caches:
        if cache.is_dir() and not cache.is_symlink():
            _close(cache, atomic_file.PRIVATE_FOLDER)
            _purge(cache)


def _paths(environ: Mapping[str, str]) -> list[Path]:
    listed = environ.get(FILES_VARIABLE)
    if listed is None:
        raise InvalidInput(
            [Problem(FILES_VARIABLE, "the files that os-collect-config gives its command", "nothing")]
        )
    return [Path(name) for name in listed.split(":") if name]


def _close(path: Path, mode: int) -> None:
    """Through a descriptor, never through a link: the folder may be another user's to write."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return
    except OSError as error:
        LOG.warning("cannot close %s to others: %s", path, error.strerror)
        return
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & ~mode:
            os.fchmod(descriptor, mode)
    except OSError as error:
        LOG.warning("cannot close %s to others: %s", path, error.strerror)
    finally:
        os.close(descriptor)


def _purge(cache: Path) -> None:
    """`.orig` is the first document ever; os-collect-config only asks whether it exists, and would take it for a change
    if it did not. A temporary file that is an hour old was left by a collector that was killed.
    """
    try:
        for copy in cache.glob("*.json.orig"):
            if copy.stat().st_size > len(b"{}"):
                atomic_file.write_file(copy, b"{}")
        for draft in cache.glob("tmp*"):
            if draft.is_file() and time.time() - draft.stat().st_mtime > STALE_FILE_AGE_S:
                atomic_file.remove_file(draft)
    except (OSError, StorageError) as error:
        LOG.warning("cannot purge %s: %s", cache, error)
