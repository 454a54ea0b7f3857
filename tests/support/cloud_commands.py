"""`guestagent cloud` in processes of their own, with a state folder and a clouds.yaml of the test's own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

import yaml


@dataclass(frozen=True, slots=True)
class CloudCommands:
    """One cloud's command line, with a folder and a clouds.yaml of its own."""

    folder: Path
    name: str = "test"
    options: tuple[str, ...] = ("--no-guests",)

    @property
    def clouds_file(self) -> Path:
        return self.folder / "clouds.yaml"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def run(self, action: str, *more: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "guestagent", "cloud", action, "--name", self.name]
        words += ["--state", str(self.state), "--clouds-file", str(self.clouds_file), *more]
        return subprocess.run(words, capture_output=True, text=True, timeout=100, check=False)

    def start(self) -> dict[str, str]:
        completed = self.run("up", "--json", *self.options)
        assert completed.returncode == 0, completed.stderr
        record: dict[str, str] = json.loads(completed.stdout)
        return record

    def read_entry(self) -> dict[str, dict[str, str]]:
        entry: dict[str, dict[str, str]] = yaml.safe_load(self.clouds_file.read_text())["clouds"][self.name]
        return entry


def build_name(subnet: IPv4Network) -> str:
    """A cloud's name that no other test on this machine has: its bridge is called after it."""
    return f"test{str(subnet.network_address).split('.')[2]}"
