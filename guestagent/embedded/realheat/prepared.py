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

from guestagent import durable
from guestagent.embedded.guests.image import Account
from guestagent.embedded.realheat import configuration
from guestagent.embedded.realheat.layout import Addresses, Layout, Passwords
from guestagent.embedded.realheat.processes import Daemon, finish
from guestagent.embedded.realheat.release import SCRIPTS, Release
from guestagent.embedded.servers.datadir import mariadb_installer
from guestagent.embedded.servers.roots import alone, cache_folder, make_public
from guestagent.errors import CloudError, DeadlineExceeded, StorageError

OURS = (Path(__file__), *(Path(__file__).with_name(f"{name}.py") for name in ("configuration", "layout")))
UNUSED_DAYS = 14
DATABASE_SECONDS = 30.0
NOWHERE = Addresses("http://127.0.0.1", "http://127.0.0.1", "http://127.0.0.1", 0, 0, 0)
REDO_LOG = "16M"


def place(cache: Path | None = None) -> Path:
    """The folder of everything that is made once, beside the flavours' servers: any checkout finds it there.

    The daemons' account must get through it. StorageError where there can be none.
    """
    folder = (cache or cache_folder()) / "heat"
    try:
        make_public(folder)
        folder.chmod(0o711)
    except OSError as error:
        raise StorageError(f"there is no place for prepared databases at {folder}: {error}") from error
    return folder


def build(folder: Path, release: Release, account: Account) -> Path:
    """What is prepared of this release, made in `folder` where it is missing. From the main thread."""
    whole = folder / f"{release.name}-{made_of(release.versions())}"
    with alone(folder / "lock"):
        if not whole.is_dir():
            _make(folder / "draft", whole, release, account)
            forget(folder, time.time())
        os.utime(whole)
    return whole


def made_of(versions: str) -> str:
    """What changes when anything does that goes into the databases: the programs, or our own part."""
    digest = hashlib.sha256(versions.encode())
    for path in (*OURS, *sorted(SCRIPTS.glob("*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def lay(layout: Layout, prepared: Path) -> Passwords:
    """A run's own folder, out of the prepared one; its settings are still to be written."""
    shutil.rmtree(layout.folder, ignore_errors=True)
    _folders(layout)
    for name in (layout.data.name, layout.keys.name, layout.passwords.name):
        words = ("cp", "--archive", "--reflink=auto", "--sparse=always", "-T")
        finish("copying the databases", (*words, str(prepared / name), str(layout.folder / name)))
    return Passwords.read(durable.read(layout.passwords) or b"{}")


def configure(
    layout: Layout, at: Addresses, passwords: Passwords, auth_ttl: timedelta, release: Release, account: Account
) -> None:
    """Write the settings and our scripts; everything is the account's from then on."""
    for name, text in configuration.files(layout, at, passwords, auth_ttl, release.pipeline()).items():
        durable.write(layout.settings / name, text.encode())
    for script in SCRIPTS.glob("*.py"):
        shutil.copyfile(script, layout.code / script.name)
    _hand_over(layout.folder, account.uid, account.gid)


def database(layout: Layout, account: Account) -> Daemon:
    """The database server, not yet started."""
    argv = ("mariadbd", f"--defaults-file={layout.settings}/mariadb.cnf")
    return Daemon("mariadb", argv, account, layout.logs / "mariadb.out")


def answers(layout: Layout) -> bool:
    """Whether the database server takes connections."""
    with socket.socket(socket.AF_UNIX) as knocking, suppress(OSError):
        knocking.connect(str(layout.socket))
        return True
    return False


def _hand_over(folder: Path, uid: int, gid: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, gid)


def _make(draft: Path, whole: Path, release: Release, account: Account) -> None:
    shutil.rmtree(draft, ignore_errors=True)
    _fill(Layout(draft), release, account)
    _hand_over(draft, os.getuid(), os.getgid())  # until it is copied it is nobody else's
    os.sync()  # else a power cut after the renaming could leave files without their content
    draft.rename(whole)


def forget(folder: Path, now: float) -> None:
    """Remove what nobody has used for long: of packages and checkouts that are no more."""
    long_ago = now - UNUSED_DAYS * 86400
    for path in folder.iterdir():
        if Layout(path).data.is_dir() and path.stat().st_mtime < long_ago:
            shutil.rmtree(path)


def _fill(layout: Layout, release: Release, account: Account) -> None:
    _folders(layout)
    passwords = Passwords.fresh()
    durable.write(layout.passwords, passwords.dump())
    _make_keys(layout)
    finish("making a data directory", mariadb_installer(layout.data, REDO_LOG))
    configure(layout, NOWHERE, passwords, timedelta(minutes=15), release, account)
    server = database(layout, account)
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
        server.end(signal.SIGTERM)


def _make_heat(layout: Layout, release: Release, account: Account) -> None:
    words = release.manage("heat", layout, "db_sync")
    finish("making Heat's tables", words, account=account, log=layout.logs / "heat-sync.log")


def _make_keystone(layout: Layout, release: Release, account: Account, passwords: Passwords) -> None:
    words = release.manage("keystone", layout, "db_sync")
    finish("making Keystone's tables", words, account=account, log=layout.logs / "keystone-sync.log")
    script, settings = layout.code / "keystone_bootstrap.py", layout.settings / "keystone.conf"
    finish(
        "making Keystone's first user",
        (str(release.python), str(script), "--config-file", str(settings)),
        account=account,
        given=passwords.admin.reveal() + "\n",
        log=layout.logs / "keystone-bootstrap.log",
    )


def _make_keys(layout: Layout) -> None:
    """What Keystone's own set-up writes: a staged key and a primary one."""
    for repository in ("fernet", "credential"):
        for number in ("0", "1"):
            durable.write(layout.keys / repository / number, urlsafe_b64encode(secrets.token_bytes(32)))


def _folders(layout: Layout) -> None:
    layout.folder.mkdir(mode=0o700, parents=True)
    for folder in layout.folders:
        folder.mkdir(mode=0o700, parents=True)


def _wait(server: Daemon, layout: Layout) -> None:
    until = time.monotonic() + DATABASE_SECONDS
    while not answers(layout):
        if server.ended:
            raise CloudError(f"the database server ended: {server.last_words()}")
        if time.monotonic() > until:
            raise DeadlineExceeded(f"the database server does not answer after {DATABASE_SECONDS:.0f} s")
        time.sleep(0.05)
