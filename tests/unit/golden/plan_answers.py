"""Golden answers of `plan`: on a server, offline, and with every kind of step."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

from guestagent.agent import configuration
from guestagent.agent.dryrun import Plan
from guestagent.agent.pausing import pause
from guestagent.database import steps
from guestagent.database.fake import FRESH
from guestagent.metadata import dump
from guestagent.metadata.document import Unresolved
from guestagent.secret import Secret
from tests.unit.golden.agent_work import SOURCE
from tests.unit.golden.command_line import ERROR_PROSE, spell_answer
from tests.unit.golden.goldens import DATA, add_golden, golden
from tests.unit.golden.guest_files import ONE, PAUSE
from tests.unit.golden.node_commands import add_error, answer, use_server, write_source

PASSWORD = Secret("s3cret")
EVERY_STEP: tuple[steps.Step | configuration.Step, ...] = (
    configuration.WriteOptions("/etc/mysql/mariadb.conf.d/90-guestagent.cnf", None, "[mariadbd]\n"),
    configuration.RestartServer(("log_bin",)),
    steps.SetVariable("max_connections", "200"),
    steps.SetServerId(101),
    steps.SetReadOnly(False),
    steps.CreateMarker(),
    steps.CreateAccount(ONE, PASSWORD),
    steps.RemakeAccount(ONE, PASSWORD),
    steps.SetPassword(ONE, PASSWORD),
    steps.SetDemand(ONE, require_tls=True),
    steps.DiscardPassword(ONE, PASSWORD),
    steps.SetPrivileges(ONE),
    steps.DropAccount(ONE),
    steps.StopChannel(),
    steps.PointChannel("10.0.0.7", 3306, Unresolved("User", '{"Ref":"User"}'), PASSWORD),
    steps.RecordPosition("0-1-2", "0-1-2"),
    steps.StartChannel(),
)
"""One step of each kind. A test fails if a kind is missing."""


def list_missing_steps() -> set[type]:
    """Return the kinds of steps that are missing in `EVERY_STEP`."""
    return {*get_args(steps.Step), *get_args(configuration.Step)} - {type(step) for step in EVERY_STEP}


@golden("answers/plan/every-step.json")
def build_plan(folder: Path) -> str:
    """Build a plan with every kind of step, for a node that is paused."""
    planned = tuple((step, ("SELECT 1",)) for step in EVERY_STEP)
    plan = Plan("Slave0000", "replica", 2, planned, None, ("Master.User.name",), "paused by alice")
    return spell_answer(plan.as_json(), None, folder, ("step",))


@golden("answers/plan/blocked.json")
def build_blocked_plan(folder: Path) -> str:
    with use_server(replace(FRESH, gtid=False)):
        return answer(folder, "plan", "--metadata", write_source(folder), prose=("reason",))


def add_offline_plan(name: str, file: Path, *words: str) -> None:
    add_golden(
        f"answers/plan/{name}.json",
        lambda folder: answer(
            folder, "plan", "--offline", "--metadata", file, *words, prose=(*ERROR_PROSE, "step")
        ),
    )


TEMPLATE = DATA / "files" / "templates" / "everything.hot.yaml"
add_offline_plan("template-mariadb", TEMPLATE)
add_offline_plan("template-mysql", TEMPLATE, "--db", "mysql")
add_offline_plan("one-node", TEMPLATE, "--node", "Slave0000")


@golden("answers/plan/on-a-server.json")
def build_online_plan(folder: Path) -> str:
    pause(folder / "state", PAUSE)
    with use_server(FRESH):
        return answer(folder, "plan", "--metadata", write_source(folder), prose=("step", "paused"))


@golden("answers/plan/collected.json")
def build_collected_plan(folder: Path) -> str:
    """Build the plan for the document in the collector's own cache, which is read if `poke` was never run."""
    (folder / "cache").mkdir()
    (folder / "cache" / "os_config_files.json").write_text('["/anywhere/cfn.json"]', encoding="utf-8")
    (folder / "cache" / "cfn.json.last").write_text(json.dumps(dump(SOURCE)), encoding="utf-8")
    return answer(folder, "plan", "--offline", prose=("step",))


add_error("plan/error-nothing-collected", "plan", "--offline")
add_error("plan/error-no-server", "plan", "--metadata", str(DATA / "files" / "metadata" / "source.json"))
