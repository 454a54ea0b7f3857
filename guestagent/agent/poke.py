"""`guestagent poke`, os-collect-config's command: it returns at once, because the collector waits for it."""

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
from guestagent.agent.instance_check import InstanceCheck
from guestagent.agent.settings import Settings
from guestagent.agent.wakeup_pipe import FILES_VARIABLE
from guestagent.errors import InvalidInput, Problem, StorageError

LOG = logging.getLogger("guestagent")
# Heat's part handler writes the parts of the user data here at boot, readable by every user: `cfn-init-data` holds the
# node's passwords, and `cfn-userdata` the secret key with which the node fetches its metadata.
BOOT_FOLDERS = (Path("/var/lib/heat-cfntools"), Path("/var/lib/cloud/data"))
BOOT_COPY_PATTERN = "cfn-*"
BACKUP_CACHE = Path("/run/os-collect-config")
STALE_FILE_AGE_S = 3600.0
OWNER_RIGHTS = 0o700


def deliver_document(
    environ: Mapping[str, str],
    settings: Settings,
    boot_folders: Iterable[Path] = BOOT_FOLDERS,
    backup_cache: Path = BACKUP_CACHE,
    root: Path = Path("/"),
) -> None:
    """Store the collected document, wake the agent, and update the collector's configuration and files.

    After an error, os-collect-config runs the command again with the same document: InvalidInput if its files cannot be
    read, StorageError if the agent's cannot be written, NotReady if the disk is a copy that was not cleaned yet. An
    agent that is down or busy is no error.
    """
    paths = _read_collected_paths(environ)
    restrict_access(find_boot_copies(boot_folders), [settings.collector_cache, backup_cache])
    InstanceCheck(settings, root).require_own_disk()
    document = metadata_files.choose_document(paths)
    if document is None:
        LOG.info("no document for this node in %s", ":".join(map(str, paths)))
        configure_collector(settings.collector_config, metadata_files.find_referral(paths))
        return
    stored = metadata_files.find_stored_document(settings.state_folder)
    if metadata_files.is_outdated(document, stored, paths):
        LOG.info("nothing new for this node in %s", ":".join(map(str, paths)))
        return
    DocumentInbox(settings.state_folder, settings.run_folder).store(document)
    configure_collector(settings.collector_config, document.document)


def configure_collector(file: Path, document: Mapping[str, object]) -> None:
    """Write the document's options for the collector into its configuration, if that changes it.

    A missing file stays missing: the collector then reads another one.
    """
    # Imported after the agent was woken, which works in the meantime.
    from guestagent.agent.collector_config import find_requested_options, update_config

    requested = find_requested_options(document)
    if not requested:
        return
    content = atomic_file.read_file(file)
    if content is None:
        LOG.warning("%s is missing: the options for os-collect-config in the metadata are not applied", file)
        return
    text = content.decode(errors="surrogateescape")
    new_text = update_config(text, requested)
    if new_text != text:
        atomic_file.write_file(file.resolve(), new_text.encode(errors="surrogateescape"))


def find_boot_copies(folders: Iterable[Path]) -> list[Path]:
    """Find the parts of the user data that Heat's part handler has left in these folders."""
    return [path for folder in folders for path in sorted(folder.glob(BOOT_COPY_PATTERN))]


def restrict_access(files: Iterable[Path], caches: Iterable[Path]) -> None:
    """Make files and caches readable by root alone, and empty the files of the caches that nothing reads any more.

    An error is only logged: the document must reach the agent all the same.
    """
    for file in files:
        # Not 0600 for all: `cfn-userdata` is a script that root may still have to run.
        _restrict_mode(file, OWNER_RIGHTS)
    for cache in caches:
        if cache.is_dir() and not cache.is_symlink():
            _restrict_mode(cache, OWNER_RIGHTS)
            _purge_cache(cache)


def _read_collected_paths(environ: Mapping[str, str]) -> list[Path]:
    names = environ.get(FILES_VARIABLE)
    if names is None:
        raise InvalidInput(
            [Problem(FILES_VARIABLE, "the files that os-collect-config lists for its command", "nothing")]
        )
    return [Path(name) for name in names.split(":") if name]


def _restrict_mode(path: Path, mask: int) -> None:
    """Remove all rights outside `mask` through a descriptor: a link is not followed, others may own the folder."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return
    except OSError as error:
        LOG.warning("cannot restrict access to %s: %s", path, error.strerror)
        return
    try:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if mode & ~mask:
            os.fchmod(descriptor, mode & mask)
    except OSError as error:
        LOG.warning("cannot restrict access to %s: %s", path, error.strerror)
    finally:
        os.close(descriptor)


def _purge_cache(cache: Path) -> None:
    """Empty the first document ever, `.orig`, and remove temporary files that a killed collector has left.

    os-collect-config only checks that `.orig` exists, and without it would assume a change. A temporary file is left
    over if it is an hour old.
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
