"""The channel of a replica during `guestagent verify`, also after SIGKILL in the middle, and lost connections."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from guestagent.agent.inbox import DocumentInbox
from tests.support.polling import wait_until
from tests.support.verified_pair import VERIFICATION, VerifiedPair

PRODUCTS = {"mariadb": "MariaDB", "mysql": "MySQL"}


def test_after_a_kill_while_the_sql_thread_is_stopped_the_agent_starts_it(pair: VerifiedPair) -> None:
    pair.prepare()
    guest = pair.replica
    words = [
        str(guest.write_config()),
        str(guest.write_document(pair.build_document())),
        PRODUCTS[guest.server.flavour.family],
    ]

    killed = subprocess.run([sys.executable, "-m", "tests.support.verification_killed_while_held", *words])
    was_running = pair.is_channel_running()
    with pair.agent.start():
        DocumentInbox(pair.agent.state, guest.folder / "run").send_wakeup()
        wait_until(pair.is_channel_running)

    assert (killed.returncode, was_running) == (-signal.SIGKILL, False)
    assert pair.verify()[0] == 0


@pytest.mark.patient
def test_the_resident_agent_stays_ready_beside_a_verification(pair: VerifiedPair) -> None:
    pair.prepare()
    pair.fill_table(50_000)
    with pair.agent.start():
        wait_until(lambda: b'"ready"' in pair.agent.read_state_file("status.json"))
        with pair.write_continuously():
            exit_codes = [pair.verify("--rate", "20")[0] for _ in range(3)]
        status = json.loads(pair.run("status", "--json").stdout)

    assert exit_codes == [0, 0, 0]
    assert (status["state"], status["verification"]["result"]) == ("ready", "equal")


@pytest.mark.patient
def test_after_a_kill_at_any_time_the_agent_brings_the_channel_back(pair: VerifiedPair) -> None:
    pair.prepare()
    pair.fill_table(50_000)
    with pair.agent.start(), pair.write_continuously():
        for attempt in range(10):
            process = subprocess.Popen(pair.replica.build_command("verify"), stderr=subprocess.DEVNULL)
            time.sleep(0.3 + 0.03 * attempt)
            process.kill()
            process.wait()
            DocumentInbox(pair.agent.state, pair.replica.folder / "run").send_wakeup()
            wait_until(pair.is_channel_running)

    assert pair.verify()[0] == 0


@pytest.mark.patient
def test_a_lost_connection_to_the_source_is_made_again(pair: VerifiedPair) -> None:
    pair.prepare()
    pair.fill_table(50_000)
    process = pair.start_slow_verification()
    for session in list_verifier_sessions(pair):
        pair.source.server.execute(f"KILL {session}")
    output, errors = process.communicate(timeout=120)

    answer = json.loads(output)
    assert (process.returncode, answer["result"], answer["rows"]) == (0, "equal", 50_000), errors
    assert "connecting again" in errors
    assert answer["snapshots"] > 1


@pytest.mark.patient
def test_ddl_on_the_source_does_not_wait_for_the_end_and_is_no_difference(pair: VerifiedPair) -> None:
    pair.prepare()
    pair.fill_table(70_000)
    process = pair.start_slow_verification()
    pair.source.server.execute("ALTER TABLE d.big ADD COLUMN further INT DEFAULT 7, ALGORITHM = COPY")
    was_running = process.poll() is None
    output, errors = process.communicate(timeout=120)

    answer = json.loads(output)
    assert was_running
    assert (process.returncode, answer["result"], answer["rows"]) == (0, "equal", 70_000), errors
    assert "its definition has changed, so it is compared again" in errors


@pytest.mark.patient
def test_a_terminated_verification_leaves_the_channel_running_and_no_password_in_the_process_list(
    pair: VerifiedPair,
) -> None:
    pair.prepare()
    pair.fill_table(50_000)
    process = pair.start_slow_verification()
    command = (
        Path(f"/proc/{process.pid}/cmdline").read_bytes() + Path(f"/proc/{process.pid}/environ").read_bytes()
    )
    process.terminate()
    output, _ = process.communicate(timeout=60)

    assert (process.returncode, json.loads(output)["error"]["kind"]) == (130, "Interrupted")
    assert VERIFICATION["password"].encode() not in command
    assert pair.is_channel_running()


def list_verifier_sessions(pair: VerifiedPair) -> list[str]:
    rows = pair.source.server.execute(
        "SELECT id AS id FROM information_schema.processlist WHERE user = 'verifier'"
    )
    return [str(row["id"]) for row in rows]


def test_a_replica_without_the_account_or_with_a_pause_says_so(pair: VerifiedPair) -> None:
    pair.prepare()
    pair.run("pause", "--reason", "a test")
    paused = pair.run("verify")
    pair.run("resume")
    document = pair.build_document()
    del document["GuestAgent"]["Verification"]
    pair.agent.put_document(document)

    without_account = pair.run("verify")

    assert (paused.returncode, "resume" in paused.stderr) == (1, True)
    assert (without_account.returncode, "GuestAgent.Verification" in without_account.stderr) == (1, True)
    assert pair.is_channel_running()
