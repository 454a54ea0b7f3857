"""A real RabbitMQ of the tests' own, without systemd and without an account of its own.

All its processes are in one PID namespace, epmd among them: nothing of it outlives the process that started it.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psutil

from guestagent.embedded.database_servers import build_root_command, provide_root
from tests.support.certificates import Certificate
from tests.support.database_servers import find_free_port
from tests.support.message_broker.broker_packages import BrokerPackages

START_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 120.0
STARTED = "Server startup complete"
FIRST_START_LIMIT = 3
ADMINISTRATOR = "administrator"
HOST = "127.0.0.1"
PROGRAMS = "usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin"


@cache
def provide_broker_root() -> Path:
    """Return the folder with RabbitMQ and Erlang; download them if they are missing."""
    return provide_root(BrokerPackages(), print)


class BrokerStartFailed(AssertionError):
    """RabbitMQ has ended, or does not come up. Holds the end of its log."""


class MessageBroker:
    """One RabbitMQ, in a folder of the test. With a certificate it listens with TLS only."""

    def __init__(self, folder: Path, certificate: Certificate | None = None) -> None:
        self.folder, self._certificate = folder, certificate
        self.port, self._epmd_port, self._distribution_port = 0, 0, 0
        self.password = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        self._choose_ports()

    def start(self) -> None:
        """Start the broker, and wait until it accepts connections."""
        known_starts = self.read_log().count(STARTED)
        with (self.folder / "out").open("ab") as out:
            self._process = subprocess.Popen(
                (*NAMESPACE_COMMAND, *self._build_command("rabbitmq-server")),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        # Another program may listen on the port, so that a connection proves nothing.
        while self.read_log().count(STARTED) == known_starts:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise BrokerStartFailed(f"RabbitMQ does not run: {self.read_log()[-3000:]}")
            time.sleep(0.05)

    def start_first(self) -> None:
        """Start a new broker. If a port of its choice was taken in between, choose others."""
        for _ in range(FIRST_START_LIMIT):
            try:
                self.start()
            except BrokerStartFailed:
                if "eaddrinuse" not in self.read_log():
                    raise
                self.kill()
                self._choose_ports()
            else:
                return
        self.start()

    def stop(self) -> None:
        """Stop the broker as an administrator does: it closes all connections."""
        assert self._process is not None
        os.kill(self._find_first_process(), signal.SIGTERM)
        self._process.wait(STOP_TIMEOUT_S)

    def kill(self) -> None:
        """Kill all processes of the broker at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT_S)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Let all processes of the broker stand still: its connections stay open, and nothing is answered."""
        first = psutil.Process(self._find_first_process())
        processes = [first, *first.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    def evaluate(self, *expressions: str) -> str:
        """Evaluate Erlang expressions in the broker. One call takes a second, whatever the number of expressions."""
        command = self._build_command("rabbitmqctl", "eval", ", ".join(expressions) + ".")
        completed = subprocess.run(command, env=self._environment, capture_output=True, text=True)
        assert completed.returncode == 0, completed.stdout + completed.stderr
        return completed.stdout

    def create_vhost(self, name: str) -> None:
        """Create a vhost in which the administrator may do everything."""
        self.evaluate(
            f'rabbit_vhost:add(<<"{name}">>, <<"a test">>)', _grant(name, ADMINISTRATOR, ".*", ".*", ".*")
        )

    def create_account(self, vhost: str, name: str, configure: str, write: str, read: str) -> str:
        """Create an account with these permissions in one vhost, and return its password."""
        password = secrets.token_hex(16)
        self.evaluate(
            f'rabbit_auth_backend_internal:add_user(<<"{name}">>, <<"{password}">>, <<"a test">>)',
            _grant(vhost, name, configure, write, read),
        )
        return password

    def change_password(self, account: str, password: str) -> None:
        self.evaluate(
            f'rabbit_auth_backend_internal:change_password(<<"{account}">>, <<"{password}">>, <<"a test">>)'
        )

    def delete_queues(self, vhost: str, prefix: str) -> None:
        """Delete the queues whose names begin so, whoever uses them."""
        queues = f'Q <- rabbit_amqqueue:list(<<"{vhost}">>)'
        is_named = f'string:prefix(element(4, amqqueue:get_name(Q)), <<"{prefix}">>) =/= nomatch'
        self.evaluate(f'[rabbit_amqqueue:delete(Q, false, false, <<"a test">>) || {queues}, {is_named}]')

    def build_url(self, vhost: str = "", account: str = ADMINISTRATOR, password: str | None = None) -> str:
        """Return the URL for oslo.messaging."""
        return f"rabbit://{account}:{password or self.password}@{HOST}:{self.port}/{vhost}"

    def read_log(self) -> str:
        files = [self.folder / "out", *(self.folder / "log").glob("*.log")]
        return "".join(file.read_text(errors="replace") for file in files if file.is_file())

    @property
    def _environment(self) -> Mapping[str, str]:
        folder = self.folder
        return {
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "HOME": str(folder),
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/nonexistent",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_NODENAME": "broker@localhost",
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            # Schedulers that look for work without a break would take the processors from the tests.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} "
            "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        }

    def _build_command(self, program: str, *arguments: str) -> Sequence[str]:
        root = provide_broker_root()
        [path] = root.glob(f"{PROGRAMS}/{program}")
        return build_root_command(root, (f"/{path.relative_to(root)}", *arguments))

    def _choose_ports(self) -> None:
        """Choose ports, and write them into the settings."""
        self.port, self._epmd_port, self._distribution_port = (find_free_port() for _ in range(3))
        self.folder.mkdir(exist_ok=True)
        (self.folder / "enabled_plugins").write_text("[].\n")
        for name, content in {
            ".erlang.cookie": secrets.token_hex(20),
            "rabbitmq.conf": "".join(f"{line}\n" for line in self._list_settings()),
        }.items():
            (self.folder / name).touch(0o600)
            (self.folder / name).write_text(content)

    def _list_settings(self) -> Iterator[str]:
        certificate = self._certificate
        yield f"default_user = {ADMINISTRATOR}"
        yield f"default_pass = {self.password}"
        yield "disk_free_limit.absolute = 50MB"
        yield "vm_memory_high_watermark.absolute = 1GB"
        yield "log.file.level = info"
        if certificate is None:
            yield f"listeners.tcp.1 = {HOST}:{self.port}"
            return
        yield "listeners.tcp = none"
        yield f"listeners.ssl.1 = {HOST}:{self.port}"
        yield f"ssl_options.cacertfile = {certificate.ca}"
        yield f"ssl_options.certfile = {certificate.certificate}"
        yield f"ssl_options.keyfile = {certificate.key}"

    def _find_first_process(self) -> int:
        assert self._process is not None
        pid = self._process.pid
        [child] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(child)


def _grant(vhost: str, account: str, configure: str, write: str, read: str) -> str:
    names = f'<<"{account}">>, <<"{vhost}">>'
    patterns = ", ".join(f'<<"{pattern}">>' for pattern in (configure, write, read))
    return f'rabbit_auth_backend_internal:set_permissions({names}, {patterns}, <<"a test">>)'


NAMESPACE_COMMAND = (
    *("setpriv", "--pdeathsig", "KILL", "--"),
    *("unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc", "--"),
)
"""The broker ends with the process that has started it, however that ends."""


@contextmanager
def open_broker(folder: Path, certificate: Certificate | None = None) -> Iterator[MessageBroker]:
    """Run a new broker in a folder."""
    broker = MessageBroker(folder, certificate)
    try:
        broker.start_first()
        yield broker
    finally:
        broker.kill()
