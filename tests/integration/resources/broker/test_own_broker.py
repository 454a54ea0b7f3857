"""The tests' own RabbitMQ: two at once, restarts, and nothing left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.message_broker.broker import NAMESPACE_COMMAND, open_broker
from tests.support.polling import wait_until
from tests.support.processes import find_processes


def test_two_brokers_run_at_once_and_leave_no_process(tmp_path: Path) -> None:
    with open_broker(tmp_path / "one") as one, open_broker(tmp_path / "two") as two:
        one.evaluate('rabbit_vhost:add(<<"kept">>, <<"a test">>)')
        one.kill()
        one.start()
        two.stop()

        assert "kept" in one.evaluate("rabbit_vhost:list_names()")

    # The kernel kills those of a process namespace after its first process has ended.
    wait_until(lambda: find_processes(str(tmp_path)) == [])


def test_a_broker_ends_with_the_killed_process_that_started_it(tmp_path: Path) -> None:
    program = f"import subprocess, sys; subprocess.run([*{NAMESPACE_COMMAND!r}, 'tail', '-f', sys.argv[1]])"
    log = tmp_path / "log"
    log.touch()
    starter = subprocess.Popen([sys.executable, "-c", program, log])
    wait_until(lambda: len(find_processes(f"tail -f {log}")) > 1)

    starter.kill()
    starter.wait()

    wait_until(lambda: find_processes(str(log)) == [])
