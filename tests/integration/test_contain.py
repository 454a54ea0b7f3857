"""`tools/contain`: nothing of a command outlives it, and the next run removes the files of one that was killed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psutil
import pytest

from guestagent.embedded.host.loop_devices import list_loop_devices

CONTAIN = Path(__file__).parents[2] / "tools/contain"
# A server that has left its parent behind, and prints the folder of the temporary files.
ORPHAN = 'setsid sleep 600 & echo "$TMPDIR $!"; '


def start_contained(script: str) -> subprocess.Popen[str]:
    return subprocess.Popen((CONTAIN, "sh", "-c", script), stdout=subprocess.PIPE, text=True)


def list_descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The temporary files of a command that has printed their folder."""
    return psutil.Process(process.pid).children(recursive=True)


def read_folder(process: subprocess.Popen[str]) -> Path:
    assert process.stdout is not None
    return Path(process.stdout.readline().split()[0])


def wait_for_end(processes: list[psutil.Process]) -> None:
    _, survivors = psutil.wait_procs(processes, timeout=60)
    assert survivors == []


def test_no_process_and_no_file_outlives_a_command() -> None:
    with start_contained(f"{ORPHAN} touch $TMPDIR/left; sleep 0.3") as command:
        folder = read_folder(command)
        processes = list_descendants(command)

    assert command.returncode == 0
    assert len(processes) > 2
    wait_for_end(processes)
    assert not folder.exists()


@pytest.mark.parametrize("code", [1, 77])
def test_the_exit_code_is_the_commands_and_its_files_stay_to_be_looked_at(code: int) -> None:
    with start_contained(f"{ORPHAN} exit {code}") as command:
        folder = read_folder(command)

    assert command.returncode == code
    assert folder.is_dir()


def test_the_next_run_removes_the_files_of_a_killed_one_and_not_those_of_a_living_one() -> None:
    with (
        start_contained(f"{ORPHAN} sleep 600") as killed_run,
        start_contained(f"{ORPHAN} sleep 600") as living_run,
    ):
        try:
            folders = read_folder(killed_run), read_folder(living_run)
            kill_command(killed_run)

            subprocess.run((CONTAIN, "true"), check=True)

            assert [folder.exists() for folder in folders] == [False, True]
        finally:
            kill_command(living_run)


def test_the_next_run_detaches_the_loop_devices_of_a_killed_one() -> None:
    attach = 'truncate -s 1M $TMPDIR/volume; losetup --find $TMPDIR/volume; echo "$TMPDIR"; sleep 600'
    with start_contained(attach) as killed_run:
        folder = read_folder(killed_run)
        before = [device.file for device in list_loop_devices() if folder in device.file.parents]
        kill_command(killed_run)

        subprocess.run((CONTAIN, "true"), check=True)

    assert before == [folder / "volume"]
    assert [device for device in list_loop_devices() if folder in device.file.parents] == []


def kill_command(command: subprocess.Popen[str]) -> None:
    """It alone: the others must end with it."""
    processes = list_descendants(command)
    command.kill()
    wait_for_end(processes)
