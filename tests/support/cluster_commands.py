"""`guestagent cluster` in processes of their own, against an embedded cloud."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

import guestagent
from guestagent.embedded import Serving


@dataclass(frozen=True)
class ClusterCommands:
    """The command line in a process of its own, against a clouds.yaml of its own."""

    folder: Path

    def start(self, *words: str) -> subprocess.Popen[str]:
        argv = build_interruptible_argv([sys.executable, "-m", "guestagent", "cluster", *words])
        env = {"PATH": os.environ["PATH"], "OS_CLIENT_CONFIG_FILE": "clouds.yaml", "OS_CLOUD": "test"}
        env["PYTHONPATH"] = str(Path(guestagent.__file__).parents[1])
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, cwd=self.folder, env=env, stdout=pipe, stderr=pipe, text=True)

    def run(self, *words: str, within: float = 50) -> tuple[int, str, str]:
        with self.start(*words) as command:
            try:
                out, err = command.communicate(timeout=within)
            finally:
                command.kill()  # else one that hangs is waited for
        return command.returncode, out, err


def build_interruptible_argv(argv: Sequence[str]) -> list[str]:
    """The same command, which SIGINT interrupts also when the tests run in the background of a script.

    A shell has such jobs ignore SIGINT, every child inherits that, and a command of ours respects it.
    """
    return ["env", "--default-signal=INT", *argv]


def write_clouds_yaml(folder: Path, cloud: Serving) -> None:
    """The file by which commands in this folder find the cloud."""
    (folder / "clouds.yaml").write_text(yaml.safe_dump({"clouds": {"test": dict(cloud.connect)}}))
