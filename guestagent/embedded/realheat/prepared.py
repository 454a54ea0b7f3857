"""The databases of Keystone and Heat as they are before anyone uses them: made once, copied for every run."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import socket
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from guestagent import durable
from guestagent.embedded.guests.image import Account
from guestagent.embedded.realheat import configuration
from guestagent.embedded.realheat.layout import Addresses, Layout, Passwords
from guestagent.embedded.realheat.processes import Daemon, finish
from guestagent.embedded.realheat.release import SCRIPTS, Release
from guestagent.errors import CloudError, DeadlineExceeded

DATABASE_SECONDS = 30.0
NOWHERE = Addresses("http://127.0.0.1", "http://127.0.0.1", "http://127.0.0.1", 0, 0, 0)
INSTALL = (
    "mariadb-install-db", "--no-defaults", "--rpm", "--user=root", "--skip-test-db", "--skip-log-bin",
    "--auth-root-authentication-method=socket", "--innodb-log-file-size=16M",
)  # fmt: skip


def build(folder: Path, release: Release, account: Account) -> Path:
    """The prepared folder, made where it is missing; whole or not there. From the main thread."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    whole = folder / f"heat-{release.name}"
    with _alone(folder / "lock"):
        if not whole.is_dir():
            draft = Layout(folder / "draft")
            shutil.rmtree(draft.folder, ignore_errors=True)
            _fill(draft, release, account)
            draft.folder.rename(whole)
    return whole


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
    _hand_over(layout.folder, account)


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


def _hand_over(folder: Path, account: Account) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.uid, account.gid)


def _fill(layout: Layout, release: Release, account: Account) -> None:
    _folders(layout)
    passwords = Passwords.fresh()
    durable.write(layout.passwords, passwords.dump())
    _make_keys(layout)
    finish("making a data directory", (*INSTALL, f"--datadir={layout.data}"))
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


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
