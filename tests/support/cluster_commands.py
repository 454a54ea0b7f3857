"""`guestagent cluster` in separate processes, against an embedded cloud."""

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
    """The command line in a separate process, with its own clouds.yaml."""

    folder: Path

    def start(self, *words: str) -> subprocess.Popen[str]:
        argv = build_interruptible_argv([sys.executable, "-m", "guestagent", "cluster", *words])
        env = {"PATH": os.environ["PATH"], "OS_CLIENT_CONFIG_FILE": "clouds.yaml", "OS_CLOUD": "test"}
        env["PYTHONPATH"] = str(Path(guestagent.__file__).parents[1])
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, cwd=self.folder, env=env, stdout=pipe, stderr=pipe, text=True)

    def run(self, *words: str, timeout_s: float = 50) -> tuple[int, str, str]:
        with self.start(*words) as command:
            try:
                out, err = command.communicate(timeout=timeout_s)
            finally:
                command.kill()  # otherwise a hanging command would be waited for
        return command.returncode, out, err


def build_interruptible_argv(argv: Sequence[str]) -> list[str]:
    """Return the same command with the default action for SIGINT.

    A shell makes its background jobs ignore SIGINT. Every child inherits that, and our commands respect it, so that
    a test run in the background could not interrupt them.
    """
    return ["env", "--default-signal=INT", *argv]


def write_clouds_yaml(folder: Path, cloud: Serving) -> None:
    """Write the file in which commands that run in this folder find the cloud."""
    (folder / "clouds.yaml").write_text(yaml.safe_dump({"clouds": {"test": dict(cloud.connect)}}))
