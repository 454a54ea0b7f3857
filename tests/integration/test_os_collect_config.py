"""The real os-collect-config runs `guestagent poke`: what it collects arrives, and it becomes what Heat wants."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from guestagent.agent.inbox import DocumentInbox, DocumentListener
from guestagent.agent.metadata_files import find_committed_document

COLLECTOR = Path(sys.executable).with_name("os-collect-config")
POKE = """
import os, sys
from dataclasses import replace
from pathlib import Path
from guestagent.agent.poke import deliver_document
from guestagent.agent.settings import load_settings
lab = Path(sys.argv[1])
settings = replace(load_settings(lab / "guestagent.conf"), state_folder=lab / "state", run_folder=lab / "run",
    collector_cache=lab / "cache", collector_config=lab / "os-collect-config.conf")
with (lab / "pokes").open("a") as pokes:
    pokes.write("poke;")
deliver_document(os.environ, settings, boot_folders=[lab], backup_cache=lab / "backup")
"""
ARRIVAL_TIMEOUT_S = 90.0
PASSWORD = "hidden-password"


def build_document(number: int, **more: object) -> dict[str, object]:
    users = [{"name": "slave0000", "password": f"{PASSWORD}-{number}"}]
    return {"ReadyWaitCondition": f"http://heat.test/{number}", "Users": users, **more}


@dataclass(frozen=True, slots=True)
class CollectorHost:
    """One node's files. `boot_copy` is what Heat leaves at boot, `local` is another collector's folder."""

    folder: Path

    @property
    def boot_copy(self) -> Path:
        return self.folder / "cfn-init-data"

    @property
    def local(self) -> Path:
        return self.folder / "local"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def inbox(self) -> DocumentInbox:
        return DocumentInbox(self.folder / "state", self.folder / "run", self.cache)

    def write(self, file: Path, content: object) -> None:
        """Write it in one step, as every program that feeds os-collect-config should."""
        draft = self.folder / "draft"
        draft.write_text(json.dumps(content))
        draft.replace(file)

    def configure(self, *collectors: str) -> None:
        # `exec`, or oslo.config would drop the quotes of a first and a last word that have them.
        text = f"""[DEFAULT]
command = exec {shlex.join([sys.executable, f"{self.folder}/poke.py", str(self.folder)])}
cachedir = {self.cache}
backup_cachedir = {self.folder}/backup
min_polling_interval = 0.1
polling_interval = 0.2
"""
        text += "".join(f"collectors = {name}\n" for name in collectors)
        text += f"[heat_local]\npath = {self.boot_copy}\n[local]\npath = {self.local}\n"
        (self.folder / "os-collect-config.conf").write_text(text)

    @contextmanager
    def run_collector(self) -> Iterator[None]:
        """The resident os-collect-config, in the one locale in which its `local` collector works."""
        with (self.folder / "log").open("ab") as log:
            config = ["--config-file", str(self.folder / "os-collect-config.conf")]
            environ = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
            process = subprocess.Popen([str(COLLECTOR), *config], env=environ, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.kill()
            process.wait()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()


@pytest.fixture
def collector_host(tmp_path: Path) -> CollectorHost:
    (tmp_path / "poke.py").write_text(POKE)
    (tmp_path / "guestagent.conf").touch()
    (tmp_path / "local").mkdir()
    host = CollectorHost(tmp_path)
    host.configure("heat_local")
    return host


def is_soon_true(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + ARRIVAL_TIMEOUT_S
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return holds()


def has_received(listener: DocumentListener, content: object) -> bool:
    """Whether this document arrives soon."""
    end = time.monotonic() + ARRIVAL_TIMEOUT_S
    while (received := listener.read_latest()) is None or received.document != content:
        if time.monotonic() > end:
            return False
        listener.wait(end - time.monotonic())
    return True


def test_every_change_arrives_and_is_committed(collector_host: CollectorHost) -> None:
    collector_host.write(collector_host.boot_copy, build_document(1))
    with collector_host.inbox.open_listener() as listener, collector_host.run_collector():
        first = has_received(listener, build_document(1))
        collector_host.write(collector_host.boot_copy, build_document(2))
        second = has_received(listener, build_document(2))

        assert (first, second) == (True, True)
        assert is_soon_true(
            lambda: (
                (committed := find_committed_document(collector_host.cache)) is not None
                and committed.document == build_document(2)
            )
        )


def test_a_document_that_came_while_the_agent_was_down_is_there_when_it_starts(
    collector_host: CollectorHost,
) -> None:
    collector_host.write(collector_host.boot_copy, build_document(1))
    with collector_host.run_collector():
        assert is_soon_true(lambda: collector_host.inbox.read_latest() is not None)

    with collector_host.inbox.open_listener() as listener:
        assert has_received(listener, build_document(1))


def test_a_state_that_was_lost_is_found_in_the_committed_cache(collector_host: CollectorHost) -> None:
    collector_host.write(collector_host.boot_copy, build_document(1))
    with collector_host.run_collector():
        assert is_soon_true(lambda: find_committed_document(collector_host.cache) is not None)
    (collector_host.folder / "state" / "document.json").unlink()

    with collector_host.inbox.open_listener() as listener:
        assert has_received(listener, build_document(1))


def test_what_heat_wants_of_the_collector_takes_effect(collector_host: CollectorHost) -> None:
    wishes = {
        "collectors": ["heat_local", "local"],
        "polling_interval": 0.3,
        "cfn": {"secret_access_key": "a$b"},
    }
    collector_host.write(collector_host.boot_copy, build_document(1, **{"os-collect-config": wishes}))
    collector_host.write(collector_host.local / "newer", build_document(2))

    with collector_host.inbox.open_listener() as listener, collector_host.run_collector():
        assert has_received(listener, build_document(2)), collector_host.log
    config = (collector_host.folder / "os-collect-config.conf").read_text()
    assert "secret_access_key = a$$b" in config
    assert config.count("collectors = ") == 2


def test_a_poke_that_cannot_keep_the_document_is_repeated(collector_host: CollectorHost) -> None:
    collector_host.write(collector_host.boot_copy, build_document(1))
    (collector_host.folder / "state").touch()
    with collector_host.run_collector():
        assert is_soon_true(lambda: collector_host.log.count("Command failed") >= 2), collector_host.log
        (collector_host.folder / "state").unlink()

        assert is_soon_true(lambda: collector_host.inbox.read_latest() is not None)


def test_nobody_else_can_read_what_is_left(collector_host: CollectorHost) -> None:
    collector_host.write(collector_host.boot_copy, build_document(1))
    collector_host.boot_copy.chmod(0o644)
    with collector_host.inbox.open_listener() as listener, collector_host.run_collector():
        assert has_received(listener, build_document(1))
        collector_host.write(collector_host.boot_copy, build_document(2))
        collector_host.boot_copy.chmod(0o644)
        assert has_received(listener, build_document(2))
        assert is_soon_true(
            lambda: (
                f"{PASSWORD}-1"
                not in "".join(path.read_text() for path in collector_host.cache.glob("*.json*"))
            )
        )

    assert collector_host.boot_copy.stat().st_mode & 0o777 == 0o600
    assert collector_host.cache.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in collector_host.cache.iterdir())
    assert PASSWORD not in collector_host.log


def test_an_empty_original_is_no_change(collector_host: CollectorHost) -> None:
    collector_host.write(collector_host.boot_copy, build_document(1))
    with collector_host.run_collector():
        assert is_soon_true(lambda: find_committed_document(collector_host.cache) is not None)
        for _ in range(3):
            wait_for_new_file(collector_host.cache / "heat_local.json")

    assert (collector_host.cache / "heat_local.json.orig").read_text() == "{}"
    assert (collector_host.folder / "pokes").read_text() == "poke;"


def wait_for_new_file(path: Path) -> None:
    """Wait until the collector has replaced the file."""
    inode = path.stat().st_ino
    assert is_soon_true(lambda: path.stat().st_ino != inode)
