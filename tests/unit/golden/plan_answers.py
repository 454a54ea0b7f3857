"""Golden answers of `plan`: on a server, offline, and with every kind of step."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

from guestagent.agent import server_config
from guestagent.agent.dry_run import Plan
from guestagent.agent.pause import write_pause
from guestagent.database import steps
from guestagent.database.copy_note import CopyNote
from guestagent.database.fake import FRESH_SERVER
from guestagent.metadata import dump
from guestagent.metadata.document import UnresolvedFunction
from guestagent.secret import Secret
from tests.unit.golden.agent_work import SOURCE
from tests.unit.golden.command_line import ERROR_PROSE, spell_answer
from tests.unit.golden.golden_file import DATA, add_golden, golden
from tests.unit.golden.guest_files import ONE, PAUSE
from tests.unit.golden.node_commands import add_error, run_node_command, use_server, write_source

PASSWORD = Secret("s3cret")
EVERY_STEP: tuple[steps.Step | server_config.ConfigurationStep, ...] = (
    server_config.WriteOptions("/etc/mysql/mariadb.conf.d/90-guestagent.cnf", None, "[mariadbd]\n"),
    server_config.RestartServer(("log_bin",)),
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
    steps.SetCopyNote(ONE, CopyNote(("shop.old",))),
    steps.DropAccount(ONE),
    steps.LoadClonePlugin(),
    steps.StopChannel(),
    steps.PointChannel("10.0.0.7", 3306, UnresolvedFunction("User", '{"Ref":"User"}'), PASSWORD),
    steps.RecordPosition("0-1-2", "0-1-2"),
    steps.StartChannel(),
)
"""One step of each kind. A test fails if a kind is missing."""


def list_missing_steps() -> set[type]:
    """Return the kinds of steps that are missing in `EVERY_STEP`."""
    return {*get_args(steps.Step), *get_args(server_config.ConfigurationStep)} - {
        type(step) for step in EVERY_STEP
    }


@golden("answers/plan/every-step.json")
def build_plan(folder: Path) -> str:
    """Build a plan with every kind of step, for a node that is paused."""
    planned = tuple((step, ("SELECT 1",)) for step in EVERY_STEP)
    plan = Plan("Slave0000", "replica", 2, planned, None, ("Master.User.name",), "paused by alice")
    return spell_answer(plan.as_json(), None, folder, ("step",))


@golden("answers/plan/blocked.json")
def build_blocked_plan(folder: Path) -> str:
    with use_server(replace(FRESH_SERVER, gtid=False)):
        return run_node_command(folder, "plan", "--metadata", write_source(folder), prose=("reason",))


def add_offline_plan(name: str, file: Path, *words: str) -> None:
    add_golden(
        f"answers/plan/{name}.json",
        lambda folder: run_node_command(
            folder, "plan", "--offline", "--metadata", file, *words, prose=(*ERROR_PROSE, "step")
        ),
    )


TEMPLATE = DATA / "files" / "templates" / "everything.hot.yaml"
add_offline_plan("template-mariadb", TEMPLATE)
add_offline_plan("template-mysql", TEMPLATE, "--db", "mysql")
add_offline_plan("one-node", TEMPLATE, "--node", "Slave0000")


@golden("answers/plan/on-a-server.json")
def build_online_plan(folder: Path) -> str:
    write_pause(folder / "state", PAUSE)
    with use_server(FRESH_SERVER):
        return run_node_command(folder, "plan", "--metadata", write_source(folder), prose=("step", "paused"))


@golden("answers/plan/collected.json")
def build_collected_plan(folder: Path) -> str:
    """Build the plan for the document in the collector's own cache, which is read if `poke` was never run."""
    (folder / "cache").mkdir()
    (folder / "cache" / "os_config_files.json").write_text('["/anywhere/cfn.json"]', encoding="utf-8")
    (folder / "cache" / "cfn.json.last").write_text(json.dumps(dump(SOURCE)), encoding="utf-8")
    return run_node_command(folder, "plan", "--offline", prose=("step",))


add_error("plan/error-nothing-collected", "plan", "--offline")
add_error("plan/error-no-server", "plan", "--metadata", str(DATA / "files" / "metadata" / "source.json"))
