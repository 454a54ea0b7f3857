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
deliver_document(os.environ, settings, boot_copies=[lab / "cfn-init-data"], backup_cache=lab / "backup")
"""
SOON = 20.0
HIDDEN = "hidden-password"


def document(number: int, **more: object) -> dict[str, object]:
    users = [{"name": "slave0000", "password": f"{HIDDEN}-{number}"}]
    return {"ReadyWaitCondition": f"http://heat.test/{number}", "Users": users, **more}


@dataclass(frozen=True, slots=True)
class Lab:
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
    def mailbox(self) -> DocumentInbox:
        return DocumentInbox(self.folder / "state", self.folder / "run", self.cache)

    def write(self, file: Path, content: object) -> None:
        """In one step, as whoever feeds os-collect-config should."""
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
    def collecting(self) -> Iterator[None]:
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
def lab(tmp_path: Path) -> Lab:
    (tmp_path / "poke.py").write_text(POKE)
    (tmp_path / "guestagent.conf").touch()
    (tmp_path / "local").mkdir()
    found = Lab(tmp_path)
    found.configure("heat_local")
    return found


def until(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + SOON
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return holds()


def heard(ear: DocumentListener, content: object) -> bool:
    """Whether this document arrives soon."""
    end = time.monotonic() + SOON
    while (found := ear.read_latest()) is None or found.document != content:
        if time.monotonic() > end:
            return False
        ear.wait(end - time.monotonic())
    return True


def test_every_change_arrives_and_is_committed(lab: Lab) -> None:
    lab.write(lab.boot_copy, document(1))
    with lab.mailbox.open_listener() as ear, lab.collecting():
        first = heard(ear, document(1))
        lab.write(lab.boot_copy, document(2))
        second = heard(ear, document(2))

        assert (first, second) == (True, True)
        assert until(
            lambda: (kept := find_committed_document(lab.cache)) is not None and kept.document == document(2)
        )


def test_a_document_that_came_while_the_agent_was_down_is_there_when_it_starts(lab: Lab) -> None:
    lab.write(lab.boot_copy, document(1))
    with lab.collecting():
        assert until(lambda: lab.mailbox.read_latest() is not None)

    with lab.mailbox.open_listener() as ear:
        assert heard(ear, document(1))


def test_a_state_that_was_lost_is_found_in_the_committed_cache(lab: Lab) -> None:
    lab.write(lab.boot_copy, document(1))
    with lab.collecting():
        assert until(lambda: find_committed_document(lab.cache) is not None)
    (lab.folder / "state" / "document.json").unlink()

    with lab.mailbox.open_listener() as ear:
        assert heard(ear, document(1))


def test_what_heat_wants_of_the_collector_takes_effect(lab: Lab) -> None:
    wishes = {
        "collectors": ["heat_local", "local"],
        "polling_interval": 0.3,
        "cfn": {"secret_access_key": "a$b"},
    }
    lab.write(lab.boot_copy, document(1, **{"os-collect-config": wishes}))
    lab.write(lab.local / "newer", document(2))

    with lab.mailbox.open_listener() as ear, lab.collecting():
        assert heard(ear, document(2)), lab.log
    written = (lab.folder / "os-collect-config.conf").read_text()
    assert "secret_access_key = a$$b" in written
    assert written.count("collectors = ") == 2


def test_a_poke_that_cannot_keep_the_document_is_repeated(lab: Lab) -> None:
    lab.write(lab.boot_copy, document(1))
    (lab.folder / "state").touch()
    with lab.collecting():
        assert until(lambda: lab.log.count("Command failed") >= 2), lab.log
        (lab.folder / "state").unlink()

        assert until(lambda: lab.mailbox.read_latest() is not None)


def test_nobody_else_can_read_what_is_left(lab: Lab) -> None:
    lab.write(lab.boot_copy, document(1))
    lab.boot_copy.chmod(0o644)
    with lab.mailbox.open_listener() as ear, lab.collecting():
        assert heard(ear, document(1))
        lab.write(lab.boot_copy, document(2))
        lab.boot_copy.chmod(0o644)
        assert heard(ear, document(2))
        assert until(
            lambda: f"{HIDDEN}-1" not in "".join(path.read_text() for path in lab.cache.glob("*.json*"))
        )

    assert lab.boot_copy.stat().st_mode & 0o777 == 0o600
    assert lab.cache.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in lab.cache.iterdir())
    assert HIDDEN not in lab.log


def test_an_empty_original_is_no_change(lab: Lab) -> None:
    lab.write(lab.boot_copy, document(1))
    with lab.collecting():
        assert until(lambda: find_committed_document(lab.cache) is not None)
        for _ in range(3):
            before = (lab.cache / "heat_local.json").stat().st_ino
            assert until(lambda before=before: (lab.cache / "heat_local.json").stat().st_ino != before)  # type: ignore[misc]

    assert (lab.cache / "heat_local.json.orig").read_text() == "{}"
    assert (lab.folder / "pokes").read_text() == "poke;"
