"""Golden answers of `status`, `apply`, `pause` and `resume`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from guestagent.agent.apply import build_node_status
from guestagent.agent.outcome import Verdict
from guestagent.agent.pause import write_pause
from guestagent.database.fake import FRESH_SERVER
from guestagent.database.state import ServerState
from tests.unit.golden.command_line import spell_answer
from tests.unit.golden.documents import FULL_REPLICA
from tests.unit.golden.golden_file import add_golden, golden, hide_look_time, hide_prose, load_json, to_json
from tests.unit.golden.guest_files import PAUSE
from tests.unit.golden.node_commands import add_error, run_node_command, use_server, write_source
from tests.unit.golden.node_states import REPLICA, build_report
from tests.unit.golden.signal_files import HANDLES, READY, accept
from tests.unit.golden.status_files import FULL_STATUS, write_status


@golden("answers/status/full.json")
def build_status(folder: Path) -> str:
    """Build the status of a node that has failed, is paused, and has signalled."""
    write_status(folder / "state", FULL_STATUS)
    write_pause(folder / "state", PAUSE)
    accept(folder / "state", HANDLES["cfn"][0], READY)
    return hide_age(run_node_command(folder, "status", prose=("signal",)))


@golden("answers/status/too-old.json")
def build_old_status(folder: Path) -> str:
    """Build the status of a node that was ready before its agent and its server ended."""
    write_status(folder / "state", replace(FULL_STATUS, state="ready", doing="", problems=()))
    return hide_age(run_node_command(folder, "status", prose=("signal",)))


def hide_age(text: str) -> str:
    """Replace the age, which is counted from today."""
    spelled = json.loads(text)
    assert spelled["answer"]["age"] > 0
    spelled["answer"]["age"] = "<seconds>"
    return to_json(spelled)


@golden("answers/status/nothing-yet.json")
def build_first_status(folder: Path) -> str:
    return run_node_command(folder, "status", prose=("doing",))


@golden("answers/pause/reason.json")
def build_pause(folder: Path) -> str:
    """Build the answer without the user and the time, which differ."""
    return run_node_command(folder, "pause", "--reason", "repairing a table", prose=("by", "since"))


@golden("answers/resume/paused.json")
def build_resume(folder: Path) -> str:
    write_pause(folder / "state", PAUSE)
    return run_node_command(folder, "resume")


@golden("answers/resume/not-paused.json")
def build_needless_resume(folder: Path) -> str:
    return run_node_command(folder, "resume")


def answer_apply(folder: Path, server: ServerState) -> str:
    with use_server(server):
        words = ("apply", "--no-signal", "--metadata", write_source(folder))
        return run_node_command(folder, *words, prose=("wanted", "seen", "do", "signal"))


@golden("answers/apply/ready.json")
def build_apply(folder: Path) -> str:
    return answer_apply(folder, FRESH_SERVER)


@golden("answers/apply/failed.json")
def build_failed_apply(folder: Path) -> str:
    return answer_apply(folder, replace(FRESH_SERVER, gtid=False))


@golden("service/after-apply.json")
def build_status_after_apply(folder: Path) -> str:
    """Build the status that `apply` writes to status.json."""
    answer_apply(folder, FRESH_SERVER)
    kept = load_json(folder / "state" / "status.json")
    return to_json(hide_look_time(hide_prose(kept, ("wanted", "seen", "do"))))


def add_verdict(name: str, *report: Any, **more: Any) -> None:
    """Register the status of a node for one way in which the work on it can end."""
    add_golden(
        f"service/verdict-{name}.json",
        lambda folder: spell_answer(
            build_node_status(FULL_REPLICA, build_report(*report, **more)).as_json(), None, folder, ("doing",)
        ),
    )


add_verdict("ready", Verdict.READY, REPLICA)
add_verdict("late", Verdict.FAILED, REPLICA, late=True)
add_verdict("interrupted", Verdict.INTERRUPTED, None)


add_error("apply/error-nothing-collected", "apply")
add_error("apply/error-paused", "apply", prepare=lambda folder: write_pause(folder / "state", PAUSE))
add_error("pause/error-no-folder", "pause", prepare=lambda folder: (folder / "state").write_text(""))
