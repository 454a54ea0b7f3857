"""`tools/contain`: nothing of a command outlives it, and the next run removes the files of one that was killed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psutil
import pytest

CONTAIN = Path(__file__).parents[2] / "tools/contain"
# A server that has left its parent behind, and says where the temporary files are.
ORPHAN = 'setsid sleep 600 & echo "$TMPDIR $!"; '


def start(script: str) -> subprocess.Popen[str]:
    return subprocess.Popen((CONTAIN, "sh", "-c", script), stdout=subprocess.PIPE, text=True)


def descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Those of a command that has said where its temporary files are."""
    return psutil.Process(process.pid).children(recursive=True)


def folder_of(process: subprocess.Popen[str]) -> Path:
    assert process.stdout is not None
    return Path(process.stdout.readline().split()[0])


def wait_for_end(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert alive == []


def test_no_process_and_no_file_outlives_a_command() -> None:
    with start(f"{ORPHAN} touch $TMPDIR/left; sleep 0.3") as command:
        folder = folder_of(command)
        there = descendants(command)

    assert command.returncode == 0
    assert len(there) > 2
    wait_for_end(there)
    assert not folder.exists()


@pytest.mark.parametrize("code", [1, 77])
def test_the_exit_code_is_the_commands_and_its_files_stay_to_be_looked_at(code: int) -> None:
    with start(f"{ORPHAN} exit {code}") as command:
        folder = folder_of(command)

    assert command.returncode == code
    assert folder.is_dir()


def test_the_next_run_removes_the_files_of_a_killed_one_and_not_those_of_a_living_one() -> None:
    with start(f"{ORPHAN} sleep 600") as killed, start(f"{ORPHAN} sleep 600") as living:
        try:
            folders = folder_of(killed), folder_of(living)
            kill(killed)

            subprocess.run((CONTAIN, "true"), check=True)

            assert [folder.exists() for folder in folders] == [False, True]
        finally:
            kill(living)


def kill(command: subprocess.Popen[str]) -> None:
    """It alone: the others must end with it."""
    there = descendants(command)
    command.kill()
    wait_for_end(there)
