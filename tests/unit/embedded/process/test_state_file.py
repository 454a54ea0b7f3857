"""The record of a cloud that runs: of this version, of a later one, or none at all."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.cli.command_line import main
from guestagent.embedded.process import client
from guestagent.embedded.process.state_file import (
    CloudOptions,
    CloudState,
    load_cloud_state,
    write_cloud_state,
)
from guestagent.errors import StorageError
from guestagent.secret import Secret
from guestagent.unreadable_file import list_quarantined_files
from tests.support.polling import wait_until

RECORD = CloudState(
    pid=4194305,
    born=1.5,
    network="10.77.0.0/24",
    guests=False,
    auth_url="http://127.0.0.1:9/v3",
    admin_url="http://127.0.0.1:9/embedded",
    username="demo",
    project="demo",
    region="RegionOne",
    password=Secret("s3cret"),
)


@pytest.fixture
def options(tmp_path: Path) -> CloudOptions:
    return CloudOptions(
        "none", tmp_path / "state", tmp_path / "clouds.yaml", IPv4Network("10.77.0.0/24"), guests=False
    )


def test_keys_of_a_later_version_are_ignored(options: CloudOptions) -> None:
    write_cloud_state(options, RECORD)
    options.state_file.write_text(json.dumps({**json.loads(options.state_file.read_text()), "later": [1]}))

    assert load_cloud_state(options) == RECORD


@pytest.mark.parametrize(
    "changed",
    [
        {"pid": "4711"},
        {"born": None},
        {"heat": "another"},
        {"guests": 1},
        {"network": "10.77.0.0/33"},
        {"password": 7},
        {"heat_release": "27"},
        {"image_tree": 7},
    ],
    ids=str,
)
def test_a_record_with_other_values_cannot_be_read(options: CloudOptions, changed: dict[str, object]) -> None:
    write_cloud_state(options, RECORD)
    options.state_file.write_text(json.dumps({**json.loads(options.state_file.read_text()), **changed}))

    with pytest.raises(StorageError, match="cannot be read"):
        load_cloud_state(options)


def test_a_record_of_a_version_without_images_has_none(options: CloudOptions) -> None:
    write_cloud_state(options, RECORD)
    values = json.loads(options.state_file.read_text())
    del values["image_tree"]
    options.state_file.write_text(json.dumps(values))

    assert load_cloud_state(options) == RECORD


def test_a_record_gives_the_options_back_with_which_the_cloud_started(options: CloudOptions) -> None:
    record = replace(RECORD, network="10.99.0.0/24", guests=True, image_tree="/trees/db")

    restored = record.restore_options(options)

    assert (restored.gateway, restored.guests, restored.image_tree) == ("10.99.0.1", True, Path("/trees/db"))


@pytest.mark.parametrize("number", [-1, 10**30])
def test_no_process_has_an_impossible_number(number: int) -> None:
    assert replace(RECORD, pid=number).is_alive is False


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "[" * 100_000], ids=lambda text: text[:3])
def test_status_gives_advice_on_an_unreadable_state_and_down_follows_it(
    options: CloudOptions, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options.state_folder.mkdir()
    options.state_file.write_text(content)
    words = [
        "--name",
        "none",
        "--state",
        str(options.state_folder),
        "--clouds-file",
        str(options.clouds_file),
    ]

    codes = [main(["cloud", verb, *words]) for verb in ("status", "down", "status")]

    assert codes == [8, 0, 1]
    assert "guestagent cloud down --name none" in capsys.readouterr().err
    assert len(list_quarantined_files(options.state_folder)) == 1


def test_down_ends_a_cloud_without_a_readable_state(options: CloudOptions) -> None:
    options.state_folder.mkdir()
    running = options.state_folder / "running"
    program = f"import fcntl, signal; f = open({str(running)!r}, 'w'); fcntl.flock(f, fcntl.LOCK_EX); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        wait_until(lambda: is_locked(running))
        options.state_file.write_text("{")

        was_up = client.stop_cloud(options)

        assert (was_up, process.wait(5)) == (True, -15)


def is_locked(path: Path) -> bool:
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@pytest.mark.parametrize("folder", ["a,b", "a:b", "a\\b", "a\nb"])
def test_a_state_folder_that_mount_would_misread_is_rejected(
    tmp_path: Path, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["cloud", "up", "--no-guests", "--name", "none", "--state", str(tmp_path / folder)])

    assert (code, "--state: expected a path without" in capsys.readouterr().err) == (2, True)
