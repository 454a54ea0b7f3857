"""The databases of Keystone and Heat as they are before anyone uses them: made once on this machine, copied for every
run. A copy is whole or not there, and named after what it was made of.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import signal
import socket
import time
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from guestagent import atomic_file
from guestagent.embedded.database_servers.data_directory import build_mariadb_install_command
from guestagent.embedded.host.cache_folder import find_cache_folder, hold_file_lock, make_public_folder
from guestagent.embedded.host.unix_account import UnixAccount
from guestagent.embedded.real_heat import daemon_config
from guestagent.embedded.real_heat.daemons import HeatDaemon, run_as_account
from guestagent.embedded.real_heat.paths import HeatPasswords, RunPaths, ServiceAddresses
from guestagent.embedded.real_heat.release import SCRIPT_FOLDER, HeatRelease
from guestagent.errors import CloudError, DeadlineExceeded, StorageError

SOURCE_FILES = (
    Path(__file__),
    *(Path(__file__).with_name(f"{name}.py") for name in ("daemon_config", "paths")),
)
UNUSED_LIMIT_DAYS = 14
DATABASE_TIMEOUT_S = 30.0
PLACEHOLDER_ADDRESSES = ServiceAddresses("http://127.0.0.1", "http://127.0.0.1", "http://127.0.0.1", 0, 0, 0)
REDO_LOG_SIZE = "16M"


def open_cache_folder(cache: Path | None = None) -> Path:
    """The folder of everything that is made once, beside the flavours' servers: any checkout finds it there.

    The daemons' account must get through it. StorageError where there can be none.
    """
    folder = (cache or find_cache_folder()) / "heat"
    try:
        make_public_folder(folder)
        folder.chmod(0o711)
    except OSError as error:
        raise StorageError(f"there is no place for prepared databases at {folder}: {error}") from error
    return folder


def build_template(folder: Path, release: HeatRelease, account: UnixAccount) -> Path:
    """What is prepared of this release, made in `folder` where it is missing. From the main thread."""
    whole = folder / f"{release.name}-{compute_digest(release.read_versions())}"
    with hold_file_lock(folder / "lock"):
        if not whole.is_dir():
            _make(folder / "draft", whole, release, account)
            remove_unused_templates(folder, time.time())
        os.utime(whole)
    return whole


def compute_digest(versions: str) -> str:
    """What changes when anything does that goes into the databases: the programs, or our own part."""
    digest = hashlib.sha256(versions.encode())
    for path in (*SOURCE_FILES, *sorted(SCRIPT_FOLDER.glob("*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def copy_template(layout: RunPaths, prepared: Path) -> HeatPasswords:
    """A run's own folder, out of the prepared one; its settings are still to be written."""
    shutil.rmtree(layout.folder, ignore_errors=True)
    _folders(layout)
    for name in (layout.data.name, layout.keys.name, layout.password_file.name):
        words = ("cp", "--archive", "--reflink=auto", "--sparse=always", "-T")
        run_as_account("copying the databases", (*words, str(prepared / name), str(layout.folder / name)))
    return HeatPasswords.parse(atomic_file.read_file(layout.password_file) or b"{}")


def write_config(
    layout: RunPaths,
    at: ServiceAddresses,
    passwords: HeatPasswords,
    auth_ttl: timedelta,
    release: HeatRelease,
    account: UnixAccount,
) -> None:
    """Write the settings and our scripts; everything is the account's from then on."""
    for name, text in daemon_config.build_files(
        layout, at, passwords, auth_ttl, release.read_pipeline()
    ).items():
        atomic_file.write_file(layout.settings / name, text.encode())
    for script in SCRIPT_FOLDER.glob("*.py"):
        shutil.copyfile(script, layout.scripts / script.name)
    _hand_over(layout.folder, account.uid, account.gid)


def build_database_daemon(layout: RunPaths, account: UnixAccount) -> HeatDaemon:
    """The database server, not yet started."""
    argv = ("mariadbd", f"--defaults-file={layout.settings}/mariadb.cnf")
    return HeatDaemon("mariadb", argv, account, layout.logs / "mariadb.out")


def is_answering(layout: RunPaths) -> bool:
    """Whether the database server takes connections."""
    with socket.socket(socket.AF_UNIX) as knocking, suppress(OSError):
        knocking.connect(str(layout.socket))
        return True
    return False


def _hand_over(folder: Path, uid: int, gid: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, gid)


def _make(draft: Path, whole: Path, release: HeatRelease, account: UnixAccount) -> None:
    shutil.rmtree(draft, ignore_errors=True)
    _fill(RunPaths(draft), release, account)
    _hand_over(draft, os.getuid(), os.getgid())  # until it is copied it is nobody else's
    os.sync()  # else a power cut after the renaming could leave files without their content
    draft.rename(whole)


def remove_unused_templates(folder: Path, now: float) -> None:
    """Remove what nobody has used for long: of packages and checkouts that are no more."""
    long_ago = now - UNUSED_LIMIT_DAYS * 86400
    for path in folder.iterdir():
        if RunPaths(path).data.is_dir() and path.stat().st_mtime < long_ago:
            shutil.rmtree(path)


def _fill(layout: RunPaths, release: HeatRelease, account: UnixAccount) -> None:
    _folders(layout)
    passwords = HeatPasswords.generate()
    atomic_file.write_file(layout.password_file, passwords.dump())
    _make_keys(layout)
    run_as_account("making a data directory", build_mariadb_install_command(layout.data, REDO_LOG_SIZE))
    write_config(layout, PLACEHOLDER_ADDRESSES, passwords, timedelta(minutes=15), release, account)
    server = build_database_daemon(layout, account)
    server.start()
    try:
        _wait(server, layout)
        with ThreadPoolExecutor(2) as pool:
            for done in [
                pool.submit(_make_heat, layout, release, account),
                pool.submit(_make_keystone, layout, release, account, passwords),
            ]:
                done.result()
    finally:
        server.stop(signal.SIGTERM)


def _make_heat(layout: RunPaths, release: HeatRelease, account: UnixAccount) -> None:
    words = release.build_manage_command("heat", layout, "db_sync")
    run_as_account("making Heat's tables", words, account=account, log=layout.logs / "heat-sync.log")


def _make_keystone(
    layout: RunPaths, release: HeatRelease, account: UnixAccount, passwords: HeatPasswords
) -> None:
    words = release.build_manage_command("keystone", layout, "db_sync")
    run_as_account("making Keystone's tables", words, account=account, log=layout.logs / "keystone-sync.log")
    script, settings = layout.scripts / "keystone_bootstrap.py", layout.settings / "keystone.conf"
    run_as_account(
        "making Keystone's first user",
        (str(release.python), str(script), "--config-file", str(settings)),
        account=account,
        given=passwords.admin.reveal() + "\n",
        log=layout.logs / "keystone-bootstrap.log",
    )


def _make_keys(layout: RunPaths) -> None:
    """What Keystone's own set-up writes: a staged key and a primary one."""
    for repository in ("fernet", "credential"):
        for number in ("0", "1"):
            atomic_file.write_file(
                layout.keys / repository / number, urlsafe_b64encode(secrets.token_bytes(32))
            )


def _folders(layout: RunPaths) -> None:
    layout.folder.mkdir(mode=0o700, parents=True)
    for folder in layout.folders:
        folder.mkdir(mode=0o700, parents=True)


def _wait(server: HeatDaemon, layout: RunPaths) -> None:
    until = time.monotonic() + DATABASE_TIMEOUT_S
    while not is_answering(layout):
        if server.has_ended:
            raise CloudError(f"the database server ended: {server.read_last_line()}")
        if time.monotonic() > until:
            raise DeadlineExceeded(f"the database server does not answer after {DATABASE_TIMEOUT_S:.0f} s")
        time.sleep(0.05)
