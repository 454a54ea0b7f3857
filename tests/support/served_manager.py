"""`guestagent resources serve` as a process of its own, on a store in a file and the embedded cloud."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from guestagent.embedded.process.clouds_yaml import write_entry
from guestagent.resources.service.settings import ManagerSettings
from guestagent.resources.service.settings_file import load_manager_settings
from tests.support.database_servers import find_free_port

HOST = "127.0.0.1"
CLOUD = "embedded"
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 90.0
SERVE = ("guestagent", "resources", "serve", "--settings")


@dataclass
class ServedManager:
    """The service in a folder. `start` returns when it is ready; it can be killed and started again."""

    folder: Path
    cloud: Mapping[str, Any]
    options: Mapping[str, str] = field(default_factory=dict)
    """Other lines of the settings, by section, in place of those that this class writes."""
    program: Sequence[str] = SERVE
    endpoint_port: int = field(default_factory=find_free_port)
    metrics_port: int = field(default_factory=find_free_port)
    process: subprocess.Popen[bytes] | None = None
    notices: socket.socket | None = None
    """What the process sends to systemd."""

    def __post_init__(self) -> None:
        write_entry(self.clouds_file, CLOUD, self.cloud)
        self._write_settings()

    def change_settings(self, section: str, lines: str) -> None:
        """Write other lines into a section of the settings. The next process reads them."""
        self.options = {**self.options, section: lines}
        self._write_settings()

    def _write_settings(self) -> None:
        sections = {
            "resources": "",
            "store": f"connection = sqlite:///{self.folder}/store/orders.db",
            "cloud": f"name = {CLOUD}",
            "endpoint": f"public_url = http://{HOST}:{self.endpoint_port}\n"
            f"listen = {HOST}:{self.endpoint_port}\nkey_file = {self.folder}/store/keys.json",
            "metrics": f"listen = {HOST}:{self.metrics_port}",
        }
        lines = [f"[{name}]\n{content}\n" for name, content in {**sections, **self.options}.items()]
        self.settings_file.write_text("".join(lines))
        self.settings_file.chmod(0o600)

    @property
    def settings_file(self) -> Path:
        return self.folder / "resources.conf"

    @property
    def clouds_file(self) -> Path:
        return self.folder / "clouds.yaml"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def settings(self) -> ManagerSettings:
        return load_manager_settings(self.settings_file)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the service to its end: for settings with which it does not start."""
        return subprocess.run(
            self._build_command(*arguments),
            env=self._build_environment(None),
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT_S,
        )

    def start(self, *arguments: str) -> None:
        """Start the service, and return when it tells systemd that it is ready."""
        path = self.folder / "notify"
        path.unlink(missing_ok=True)
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(str(path))
        self.notices.settimeout(START_TIMEOUT_S)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self._build_command(*arguments), env=self._build_environment(path), stderr=log
            )
        try:
            assert self.notices.recv(4096) == b"READY=1"
        except TimeoutError:
            raise AssertionError(self.log) from None

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, and return the exit code."""
        assert self.process is not None
        assert self.notices is not None
        self.process.send_signal(number)
        exit_code = self.process.wait(STOP_TIMEOUT_S)
        if number == signal.SIGTERM and self.program == SERVE:
            assert self.notices.recv(4096) == b"STOPPING=1"
        self.process = None
        self.notices.close()
        return exit_code

    def read_page(self, path: str) -> requests.Response:
        """Read /healthz or /metrics."""
        return requests.get(f"http://{HOST}:{self.metrics_port}{path}", timeout=60)

    def _build_command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", *self.program, str(self.settings_file), *arguments]

    def _build_environment(self, notify: Path | None) -> dict[str, str]:
        environment = {**os.environ, "OS_CLIENT_CONFIG_FILE": str(self.clouds_file)}
        return environment | ({} if notify is None else {"NOTIFY_SOCKET": str(notify)})


@contextmanager
def serve_manager(
    folder: Path,
    cloud: Mapping[str, Any],
    options: Mapping[str, str] | None = None,
    program: Sequence[str] = SERVE,
) -> Iterator[ServedManager]:
    """Yield a service that is not started yet; whatever runs at the end is killed."""
    manager = ServedManager(folder, cloud, options or {}, program)
    try:
        yield manager
    finally:
        if manager.process is not None:
            manager.process.kill()
            manager.process.wait()
        if manager.notices is not None:
            manager.notices.close()
