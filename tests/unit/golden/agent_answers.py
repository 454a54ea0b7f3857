"""What the commands of a guest answer with --json."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

from guestagent.agent import configuration
from guestagent.agent.dryrun import Plan
from guestagent.agent.edges import Verdict
from guestagent.agent.foreground import node_status
from guestagent.agent.model import Agreement, Condition
from guestagent.agent.pausing import pause
from guestagent.database import steps
from guestagent.metadata.document import Unresolved
from guestagent.secret import Secret
from tests.unit.golden.command_line import ERROR_PROSE, answer_command, spell_answer
from tests.unit.golden.documents import FULL_REPLICA
from tests.unit.golden.goldens import DATA, add_golden, golden
from tests.unit.golden.guest_files import ONE, PAUSE
from tests.unit.golden.node_states import REPLICA, build_report
from tests.unit.golden.signal_files import HANDLES, READY, accept
from tests.unit.golden.status_files import FULL_STATUS, keep_status

PASSWORD = Secret("s3cret")
EVERY_STEP: tuple[steps.Step | configuration.Step, ...] = (
    configuration.WriteOptions("/etc/mysql/mariadb.conf.d/90-guestagent.cnf", None, "[mariadbd]\n"),
    configuration.RestartServer(("log_bin",)),
    steps.SetVariable("max_connections", "200"),
    steps.SetServerId(101),
    steps.SetReadOnly(False),
    steps.CreateMarker(),
    steps.CreateAccount(ONE, PASSWORD),
    steps.SetPassword(ONE, PASSWORD),
    steps.SetDemand(ONE, require_tls=True),
    steps.DiscardPassword(ONE, PASSWORD),
    steps.SetPrivileges(ONE),
    steps.DropAccount(ONE),
    steps.StopChannel(),
    steps.PointChannel("10.0.0.7", 3306, Unresolved("User", '{"Ref":"User"}'), PASSWORD),
    steps.StartChannel(),
)
"""One of each kind. A test tells when there is another one."""


def list_missing_steps() -> set[type]:
    """Kinds of steps of which `EVERY_STEP` has none."""
    return {*get_args(steps.Step), *get_args(configuration.Step)} - {type(step) for step in EVERY_STEP}


BLOCKED = Condition("GTID", Agreement.FINAL, "on", "off", "turn it on")


def write_settings(folder: Path) -> Path:
    """The agent's configuration, with everything below one folder and no server."""
    file = folder / "guestagent.conf"
    file.write_text(
        f"[DEFAULT]\nstate = {folder}/state\nrun = {folder}/run\n"
        f"[database]\nsocket = {folder}/mysqld.sock\n"
        f"[collector]\ncache = {folder}/cache\nconfig = {folder}/os-collect-config.conf\n",
        encoding="utf-8",
    )
    return file


def answer(folder: Path, *words: str | Path, prose: Sequence[str] = ERROR_PROSE) -> str:
    """A command with a configuration of its own."""
    return answer_command([*map(str, words), "--config", str(write_settings(folder))], folder, prose)


@golden("answers/status/full.json")
def build_status(folder: Path) -> str:
    """Of a node that has failed, is paused, and has signalled."""
    keep_status(folder / "state", FULL_STATUS)
    pause(folder / "state", PAUSE)
    accept(folder / "state", HANDLES["cfn"][0], READY)
    return answer(folder, "status", prose=("signal",))


@golden("answers/status/nothing-yet.json")
def build_first_status(folder: Path) -> str:
    return answer(folder, "status", prose=("doing",))


@golden("answers/pause/reason.json")
def build_pause(folder: Path) -> str:
    """Who pauses, and when, differs each time."""
    return answer(folder, "pause", "--reason", "repairing a table", prose=("by", "since"))


@golden("answers/resume/paused.json")
def build_resume(folder: Path) -> str:
    pause(folder / "state", PAUSE)
    return answer(folder, "resume")


@golden("answers/resume/not-paused.json")
def build_needless_resume(folder: Path) -> str:
    return answer(folder, "resume")


@golden("answers/plan/every-step.json")
def build_plan(folder: Path) -> str:
    """What a plan on a server can show: every kind of step, on a node that is paused."""
    planned = tuple((step, ("SELECT 1",)) for step in EVERY_STEP)
    plan = Plan("Slave0000", "replica", 2, planned, None, ("Master.User.name",), "paused by alice")
    return spell_answer(plan.as_json(), None, folder, ("step",))


@golden("answers/plan/blocked.json")
def build_blocked_plan(folder: Path) -> str:
    plan = Plan(None, "source", 1, (), BLOCKED, ())
    return spell_answer(plan.as_json(), None, folder, ("reason",))


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


def add_apply(name: str, *report: Any, **more: Any) -> None:
    """What `apply` answers when its work is over."""
    add_golden(
        f"answers/apply/{name}.json",
        lambda folder: spell_answer(
            node_status(FULL_REPLICA, build_report(*report, **more)).as_json(), None, folder, ("doing",)
        ),
    )


add_apply("ready", Verdict.READY, REPLICA)
add_apply("failed", Verdict.FAILED, REPLICA, late=True)
add_apply("interrupted", Verdict.CUT, None)


def add_error(name: str, *words: str, prepare: Callable[[Path], object] | None = None) -> None:
    """A command that ends with an error."""

    def build(folder: Path) -> str:
        if prepare is not None:
            prepare(folder)
        return answer(folder, *(word.replace("<folder>", str(folder)) for word in words))

    add_golden(f"answers/{name}.json", build)


add_error("plan/error-nothing-collected", "plan", "--offline")
add_error("plan/error-no-server", "plan", "--metadata", str(DATA / "files" / "metadata" / "source.json"))
add_error("apply/error-nothing-collected", "apply")
add_error("apply/error-paused", "apply", prepare=lambda folder: pause(folder / "state", PAUSE))
add_error("pause/error-no-folder", "pause", prepare=lambda folder: (folder / "state").write_text(""))
