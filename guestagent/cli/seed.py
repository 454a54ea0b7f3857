"""`guestagent seed`: what the seed's unit executes, and a look at the seed's state."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from guestagent.cli import options
from guestagent.cli.output import write_log_line
from guestagent.cli.termination import watch_termination
from guestagent.errors import SeedError, StorageError

if TYPE_CHECKING:
    from guestagent.agent.settings import Settings
    from guestagent.seeding import SeedFiles, SeedMethod, SeedState
    from guestagent.seeding.protocols import SeedRunner
    from guestagent.seeding.worker import WorkerEnvironment


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of this group."""
    group = commands.add_parser(
        "seed",
        help="copy the source's data to this replica, or show how far that is",
        description="The seed of this replica: a copy of its source's data. The agent requests it when it is needed, "
        "and the unit guestagent-seed runs it.",
    )
    actions = group.add_subparsers(metavar="ACTION", required=True)
    run = actions.add_parser(
        "run",
        help="work off the agent's request, if there is one",
        description="Work off the seed that the agent has requested, from where an earlier run has left it. Without a "
        "request nothing happens. Exit code 10 if the seed has failed.",
    )
    run.set_defaults(run=run_worker)
    show = actions.add_parser("show", help="show the newest seed: its method, phase, bytes and failure")
    show.set_defaults(run=run_show)
    for parser in (run, show):
        options.add_json_option(parser)
        options.add_config_option(parser)


def run_worker(args: argparse.Namespace) -> int:
    """Work off the request. SIGTERM ends the run between two steps; the next one goes on."""
    from guestagent.agent.settings import load_settings
    from guestagent.seeding.protocols import SeedInterrupted
    from guestagent.seeding.worker import run_seed

    environment = _build_environment(load_settings(args.config), watch_termination())
    try:
        state = run_seed(environment)
    except SeedInterrupted:
        return 0
    return _print_state(state, as_json=args.json)


def run_show(args: argparse.Namespace) -> int:
    """Print the state of the newest seed."""
    from guestagent.agent.settings import load_settings
    from guestagent.seeding import SeedFiles
    from guestagent.strict_json import UnreadableContent

    files = SeedFiles(load_settings(args.config).state_folder)
    try:
        state = files.read_state()
    except UnreadableContent as error:
        advice = "the agent has the seed begun anew, or undone: see `guestagent status`"
        reason = f"the state of the seed cannot be read: {files.state_path} ({error}); {advice}"
        raise StorageError(reason) from error
    return _print_state(state, as_json=args.json)


def _print_state(state: SeedState | None, *, as_json: bool) -> int:
    from guestagent.seeding import SeedPhase

    if as_json:
        sys.stdout.write(json.dumps(None if state is None else state.as_json()) + "\n")
    elif state is None:
        sys.stdout.write("no seed\n")
    else:
        sys.stdout.write(f"{state.describe()}\n")
        if state.resumed and not state.phase.has_ended:
            sys.stdout.write(f"{state.resumed}\n")
    return SeedError.exit_code if state is not None and state.phase is SeedPhase.FAILED else 0


def _build_environment(settings: Settings, is_stopping: Callable[[], bool]) -> WorkerEnvironment:
    from guestagent.agent.seed_server_control import SeedServerControl
    from guestagent.agent.service_control import build_service_control
    from guestagent.retry import SystemClock
    from guestagent.seeding import SeedFiles
    from guestagent.seeding.worker import WorkerEnvironment

    clock, files = SystemClock(), SeedFiles(settings.state_folder)
    service = build_service_control(settings.service, _choose_family(files))
    return WorkerEnvironment(
        files=files,
        clock=clock,
        server=SeedServerControl(service, settings.database_socket, settings.database_timeout, clock),
        runners=_list_runners(settings),
        is_stopping=is_stopping,
        log=write_log_line,
    )


def _choose_family(files: SeedFiles) -> str:
    """Choose the family whose service is controlled: of the request, or of the seed that is withdrawn."""
    from guestagent.seeding import SeedMethod
    from guestagent.seeding.worker import read_request
    from guestagent.strict_json import UnreadableContent

    request = read_request(files)
    if request is not None:
        return request.family
    try:
        state = files.read_state()
    except UnreadableContent:
        state = None
    return "mariadb" if state is not None and state.method is SeedMethod.BACKUP else "mysql"


def _list_runners(settings: Settings) -> Mapping[SeedMethod, Callable[[], SeedRunner]]:
    """Return how the runner of each method is built. What a method needs is imported only when it is used."""
    from guestagent.seeding import SeedMethod

    def build_clone_runner() -> SeedRunner:
        from guestagent.retry import SystemClock
        from guestagent.seeding.clone_runner import CloneRunner

        return CloneRunner(str(settings.database_socket), SystemClock())

    return {
        SeedMethod.BACKUP: _build_backup_runner,
        SeedMethod.CLONE: build_clone_runner,
        SeedMethod.DUMP: _build_dump_runner,
    }


def _build_backup_runner() -> SeedRunner:
    from guestagent.seeding.backup_runner import BackupRunner

    return BackupRunner()


def _build_dump_runner() -> SeedRunner:
    from guestagent.seeding.dump_runner import DumpRunner

    return DumpRunner()
