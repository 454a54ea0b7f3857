"""`guestagent demo`: the whole main job on this machine, and one line that says whether it held."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from guestagent.cli import options
from guestagent.cli.cloud import STATE_FOLDER
from guestagent.cli.json_error import EXIT_INTERRUPTED
from guestagent.cli.signals import InterruptHandler
from guestagent.cli.subnet import parse_subnet
from guestagent.errors import GuestAgentError, UnsupportedEnvironment
from guestagent.retry import Clock, SystemClock

if TYPE_CHECKING:
    from guestagent.demo import DemoEnvironment, DemoEventHandler, DemoResult, EmbeddedEnvironment

EXIT_OK, EXIT_DEMO_FAILED = 0, 1
DATABASES = ("mariadb", "mariadb-11.8", "mysql")


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "demo",
        help="a whole cluster on this machine, in under a minute",
        description="""\
Start a cloud on this machine, launch a source and two replicas, add a replica and remove one, while rows are
written on the source and read on the replicas; then tear everything down, also after an interruption. What an
earlier demo left is removed first. Needs root. The last line says whether all of it held.""",
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave cluster and cloud for exploring (not when interrupted)"
    )
    parser.add_argument("--name", default="demo", help="the cloud's name (default: %(default)s)")
    parser.add_argument("--state", type=Path, help=f"the cloud's folder (default: {STATE_FOLDER}/NAME)")
    parser.add_argument("--clouds-file", type=Path, help="the clouds.yaml to write the cloud's entry into")
    parser.add_argument(
        "--subnet",
        type=parse_subnet,
        default="10.78.0.0/24",
        help="the guests' subnet, IPv4 or IPv6 (default: %(default)s)",
    )
    parser.add_argument(
        "--heat", choices=("fake", "real"), default="fake", help="as of `cloud up` (default: %(default)s)"
    )
    parser.add_argument(
        "--db",
        choices=DATABASES,
        default=DATABASES[0],
        help="the nodes' server (default: %(default)s, this machine's own; others are fetched once)",
    )
    options.add_json_option(parser)
    parser.set_defaults(run=run_demo)


def run_demo(args: argparse.Namespace) -> int:
    """Play it, tear it down, say whether it held."""
    clock = SystemClock()
    began = clock.now()
    ground = _ground(args)
    with ground.hold_lock():
        found = run_and_clean_up(ground, args.keep, clock)
    seconds = clock.now() - began
    if args.json:
        sys.stdout.write(json.dumps(_document(found, seconds, ground.is_running), indent=2) + "\n")
    else:
        _explain(found)
        sys.stdout.write(
            (_how_to_explore(args) if ground.is_running else "") + _verdict(found, seconds) + "\n"
        )
    return found.exit_code or (EXIT_DEMO_FAILED if found.problems else EXIT_OK)


def run_and_clean_up(ground: DemoEnvironment, keep: bool, clock: Clock) -> DemoResult:
    """Whatever happens in the play, and whoever interrupts it: the end is orderly."""
    from guestagent.cli.demo_screen import show_demo
    from guestagent.demo import DemoResult, ProgressMessage

    found = DemoResult(0, ("interrupted",), exit_code=EXIT_INTERRUPTED)
    with show_demo(clock) as tell, InterruptHandler() as interruptions:
        try:
            try:
                found = _played(ground, tell, keep, clock, interruptions)
            except KeyboardInterrupt:
                tell(ProgressMessage("interrupted"))
            finally:
                interruptions.ignore_interrupts()
        finally:
            # The first interruption ignores all others, so nothing comes between here and the end.
            interruptions.ignore_interrupts()
            if not (keep and ground.is_running) or found.exit_code == EXIT_INTERRUPTED:
                found = _torn_down(ground, tell, found)
    return found


def _played(
    ground: DemoEnvironment, tell: DemoEventHandler, keep: bool, clock: Clock, interruptions: InterruptHandler
) -> DemoResult:
    from guestagent.demo import DemoResult, FailedNode, ProgressMessage, play

    try:
        if ground.stop_cloud():
            tell(ProgressMessage("removed what an earlier demo left"))
        ground.prepare_image(lambda said: tell(ProgressMessage(said)))
        tell(ProgressMessage("starting a cloud on this machine"))
        with interruptions.defer_interrupts():
            ground.start_cloud()
    except GuestAgentError as error:
        blamed = FailedNode("the cloud", str(error), ground.read_cloud_log())
        return DemoResult(0, (str(error),), failed_nodes=(blamed,), exit_code=error.exit_code)
    return play(ground, tell, clock, keep=keep)


def _torn_down(ground: DemoEnvironment, tell: DemoEventHandler, found: DemoResult) -> DemoResult:
    from guestagent.demo import ProgressMessage

    tell(ProgressMessage("tearing everything down"))
    try:
        ground.stop_cloud()
    except GuestAgentError as error:
        problems = (*found.problems, f"tearing down: {error}")
        return replace(found, problems=problems, exit_code=found.exit_code or error.exit_code)
    return found


def _explain(found: DemoResult) -> None:
    """The cluster as it was last seen; of what failed, the reasons and the agents' own last words."""
    from guestagent.cli.progress import format_status

    if found.status is not None:
        sys.stdout.write(format_status(found.status))
    for failing in found.failed_nodes:
        sys.stdout.write(f"{failing.node}: {failing.reason}\n")
        sys.stdout.writelines(f"    {line}\n" for line in failing.log or ("nothing was said",))


def _verdict(found: DemoResult, seconds: float) -> str:
    problems = "; ".join(found.problems)
    said = f"did not hold: {problems}" if problems else "held: every acknowledged row is on every replica"
    rows = f", {found.rows} rows" if found.rows else ""
    return " ".join(f"{said}{rows}, {seconds:.0f} seconds".split())


def _document(found: DemoResult, seconds: float, kept: bool) -> dict[str, object]:
    from guestagent.cli.progress import build_status_document

    return {
        "held": not found.problems,
        "problems": list(found.problems),
        "rows": found.rows,
        "seconds": round(seconds, 1),
        "kept": kept,
        "failing": [
            {"node": node.node, "reason": node.reason, "log": list(node.log)} for node in found.failed_nodes
        ],
        "cluster": build_status_document(found.status) if found.status else None,
    }


def _how_to_explore(args: argparse.Namespace) -> str:
    where = [word for name in ("state", "clouds_file") for word in _given(name, getattr(args, name))]
    cloud = shlex.join(["--name", args.name, *where])
    lines = [f"export OS_CLOUD={args.name}"]
    if args.clouds_file:
        lines.append(f"export OS_CLIENT_CONFIG_FILE={shlex.quote(str(args.clouds_file.absolute()))}")
    if shutil.which("guestagent") is None:
        lines.append(f"export PATH={shlex.quote(str(Path(sys.argv[0]).absolute().parent))}:$PATH")
    lines += [
        "guestagent cluster status demo",
        "guestagent cluster add-replica demo --flavor m1.tiny",
        f"guestagent cloud ssh {cloud} Slave0000 guestagent status",
    ]
    said = "".join(f"    {line}\n" for line in lines)
    return f"The cluster stays, for exploring:\n{said}and to end it:\n    guestagent cloud down {cloud}\n"


def _given(name: str, path: Path | None) -> tuple[str, ...]:
    return () if path is None else (f"--{name.replace('_', '-')}", str(path.absolute()))


def _ground(args: argparse.Namespace) -> EmbeddedEnvironment:
    try:
        from guestagent.demo import EmbeddedEnvironment
        from guestagent.embedded.process import clouds_yaml
        from guestagent.embedded.process.state_file import CloudOptions
    except ImportError as error:
        missing = f"{error.name} is missing: install guestagent[controller,embedded]"
        raise UnsupportedEnvironment(missing) from error
    return EmbeddedEnvironment(
        CloudOptions(
            name=args.name,
            state_folder=(args.state or STATE_FOLDER / args.name).absolute(),
            clouds_file=(args.clouds_file or clouds_yaml.find_clouds_file()).absolute(),
            network=args.subnet,
            heat=args.heat,
        ),
        image=f"guestagent-{args.db}",
    )
