"""`guestagent demo`: runs a whole cluster on this machine, and prints one line with the result."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from guestagent.cli import options
from guestagent.cli.argument_types import build_integer_type
from guestagent.cli.cloud import STATE_FOLDER
from guestagent.cli.resources_settings import require_resources_extra
from guestagent.cli.signals import InterruptHandler
from guestagent.cli.subnet import parse_subnet
from guestagent.errors import (
    EXIT_INTERRUPTED,
    EXIT_OK,
    GuestAgentError,
    InvalidInput,
    NotReady,
    Problem,
    build_missing_extra_error,
)
from guestagent.retry import Clock, SystemClock

if TYPE_CHECKING:
    from guestagent.demo import DemoEnvironment, DemoEventHandler, DemoResult, EmbeddedEnvironment

    PlayScenario = Callable[..., DemoResult]

EXIT_DEMO_FAILED = NotReady.exit_code
DATABASES = ("mariadb", "mariadb-11.8", "mysql")
ENGINES = ("natives", "orchestrator", "migration")
DEFAULT_SEED_MIB, SEED_LIMIT_MIB = 200, 10_000
BUILT_IMAGE = ""  # the value of --image without a tree


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "demo",
        help="create, change and delete a whole cluster on this machine",
        description="""\
Start a cloud on this machine, create a source and two replicas, add a replica and remove one, while rows are
written on the source and read on the replicas. Then remove everything, even after an interruption. The remains of an
earlier demo are removed first. Requires root. The last line shows whether every check passed. It takes less than a
minute when the database server is installed.""",
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the cluster and the cloud (not after an interruption)"
    )
    parser.add_argument("--name", default="demo", help="the cloud's name (default: %(default)s)")
    parser.add_argument("--state", type=Path, help=f"the cloud's state folder (default: {STATE_FOLDER}/NAME)")
    parser.add_argument(
        "--clouds-file",
        type=Path,
        help="the clouds.yaml to which the cloud is added (default: the user's own)",
    )
    parser.add_argument(
        "--subnet",
        type=parse_subnet,
        default="10.78.0.0/24",
        help="the guests' subnet, IPv4 or IPv6 (default: %(default)s)",
    )
    parser.add_argument(
        "--heat", choices=("fake", "real"), default="fake", help="as for `cloud up` (default: %(default)s)"
    )
    parser.add_argument(
        "--db",
        choices=DATABASES,
        default=DATABASES[0],
        help="the nodes' database server (default: %(default)s, this machine's own; others are downloaded once)",
    )
    parser.add_argument(
        "--image",
        nargs="?",
        const=BUILT_IMAGE,
        metavar="TREE",
        help="boot the nodes from the unpacked tree of an image, as containers with their own systemd; without TREE: "
        "from an image that is built from the elements, once in some minutes (default: nodes are namespaces)",
    )
    parser.add_argument(
        "--seed",
        nargs="?",
        type=build_integer_type(1, SEED_LIMIT_MIB, "MiB"),
        const=DEFAULT_SEED_MIB,
        default=0,
        metavar="MIB",
        help="store so much data on the source and purge its binary logs before the replica is added, which then gets "
        f"a copy of the data (default with --seed alone: {DEFAULT_SEED_MIB})",
    )
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        help="give the cluster's orders to the resource manager with this engine, and keep the databases on volumes "
        "that grow (default: the cluster is a stack of Heat)",
    )
    options.add_json_option(parser)
    parser.set_defaults(run=run_demo)


def run_demo(args: argparse.Namespace) -> int:
    """Run the demo, clean up, and print the result."""
    clock = SystemClock()
    start_time = clock.now()
    environment = _build_environment(args)
    with environment.hold_lock():
        result = run_and_clean_up(environment, args.keep, clock, _choose_scenario(args))
    seconds = clock.now() - start_time
    if args.json:
        document = build_result_document(result, seconds, environment.is_running)
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        _print_details(result)
        advice = _build_advice(args) if environment.is_running else ""
        sys.stdout.write(f"{advice}{_format_result(result, seconds)}\n")
    return result.exit_code or (EXIT_DEMO_FAILED if result.problems else EXIT_OK)


def run_and_clean_up(
    environment: DemoEnvironment, keep: bool, clock: Clock, play_scenario: PlayScenario
) -> DemoResult:
    """Run the demo with this scenario, and clean up after any error or interruption."""
    from guestagent.cli.demo_screen import show_demo
    from guestagent.demo import DemoResult, ProgressMessage

    result = DemoResult(0, ("interrupted",), exit_code=EXIT_INTERRUPTED)
    with show_demo(clock) as handle_event, InterruptHandler() as interrupts:
        try:
            try:
                result = _run_scenario(environment, handle_event, keep, clock, interrupts, play_scenario)
            except KeyboardInterrupt:
                handle_event(ProgressMessage("interrupted"))
            finally:
                interrupts.ignore_interrupts()
        finally:
            # The first interrupt ignores all others, so nothing interrupts the code from here to the end.
            interrupts.ignore_interrupts()
            if not (keep and environment.is_running) or result.exit_code == EXIT_INTERRUPTED:
                result = _clean_up(environment, handle_event, result)
    return result


def _choose_scenario(args: argparse.Namespace) -> PlayScenario:
    from guestagent.demo import play, run_managed_demo

    if args.engine is None:
        return partial(play, seed_mebibytes=args.seed)
    return partial(run_managed_demo, engine=args.engine)


def _run_scenario(
    environment: DemoEnvironment,
    handle_event: DemoEventHandler,
    keep: bool,
    clock: Clock,
    interrupts: InterruptHandler,
    play_scenario: PlayScenario,
) -> DemoResult:
    from guestagent.demo import DemoResult, FailedNode, ProgressMessage

    try:
        if environment.stop_cloud():
            handle_event(ProgressMessage("removed the remains of an earlier demo"))
        environment.prepare_image(lambda text: handle_event(ProgressMessage(text)))
        handle_event(ProgressMessage(f"starting a cloud on this machine: {environment.nodes_description}"))
        with interrupts.defer_interrupts():
            environment.start_cloud()
    except GuestAgentError as error:
        failed_cloud = FailedNode("the cloud", str(error), environment.read_cloud_log())
        return DemoResult(0, (str(error),), failed_nodes=(failed_cloud,), exit_code=error.exit_code)
    return play_scenario(environment, handle_event, clock, keep=keep)


def _clean_up(environment: DemoEnvironment, handle_event: DemoEventHandler, result: DemoResult) -> DemoResult:
    from guestagent.demo import ProgressMessage

    handle_event(ProgressMessage("removing the cluster and the cloud"))
    try:
        environment.stop_cloud()
    except GuestAgentError as error:
        problems = (*result.problems, f"clean-up: {error}")
        return replace(result, problems=problems, exit_code=result.exit_code or error.exit_code)
    return result


def _print_details(result: DemoResult) -> None:
    """Print the last state of the cluster, and the reason and log of everything that failed."""
    from guestagent.cli.progress import format_status

    if result.status is not None:
        sys.stdout.write(format_status(result.status))
    for failed_node in result.failed_nodes:
        sys.stdout.write(f"{failed_node.node}: {failed_node.reason}\n")
        sys.stdout.writelines(f"    {line}\n" for line in failed_node.log or ("(no log)",))


def _format_result(result: DemoResult, seconds: float) -> str:
    problems = "; ".join(result.problems)
    verdict = f"did not hold: {problems}" if problems else "held: every acknowledged row is on every replica"
    rows = f", {result.rows} rows" if result.rows else ""
    return " ".join(f"{verdict}{rows}, {seconds:.0f} seconds".split())


def build_result_document(result: DemoResult, seconds: float, is_kept: bool) -> dict[str, object]:
    """Return the result as it is printed with --json."""
    from guestagent.cli.progress import build_status_document

    return {
        "held": not result.problems,
        "problems": list(result.problems),
        "rows": result.rows,
        "seconds": round(seconds, 1),
        "kept": is_kept,
        "failing": [
            {"node": node.node, "reason": node.reason, "log": list(node.log)} for node in result.failed_nodes
        ],
        "cluster": build_status_document(result.status) if result.status else None,
    }


def _build_advice(args: argparse.Namespace) -> str:
    options = [
        word for name in ("state", "clouds_file") for word in _format_option(name, getattr(args, name))
    ]
    cloud = shlex.join(["--name", args.name, *options])
    lines = [f"export OS_CLOUD={args.name}"]
    if args.clouds_file:
        lines.append(f"export OS_CLIENT_CONFIG_FILE={shlex.quote(str(args.clouds_file.absolute()))}")
    if shutil.which("guestagent") is None:
        lines.append(f"export PATH={shlex.quote(str(Path(sys.argv[0]).absolute().parent))}:$PATH")
    lines += [*_list_advised_commands(args), f"guestagent cloud ssh {cloud} Slave0000 guestagent status"]
    commands = "".join(f"    {line}\n" for line in lines)
    return f"The cluster keeps running. Try:\n{commands}To remove it:\n    guestagent cloud down {cloud}\n"


def _list_advised_commands(args: argparse.Namespace) -> list[str]:
    if args.engine is None:
        return [
            "guestagent cluster status demo",
            "guestagent cluster add-replica demo --flavor m1.tiny",
        ]
    folder = (args.state or STATE_FOLDER / args.name).absolute()
    settings = shlex.quote(str(folder / "manager/resources.conf"))
    return [
        f"export GUESTAGENT_RESOURCES_SETTINGS={settings}",
        "guestagent resources serve &",
        "guestagent resources show demo",
    ]


def _check_engine_options(args: argparse.Namespace) -> None:
    """Raise InvalidInput for options that the resource manager's demo does not have."""
    found = [f"--{name}" for name in ("image", "seed") if getattr(args, name)]
    if args.image is not None and not found:
        found = ["--image"]
    if found:
        raise InvalidInput([Problem(found[0], "nothing, with --engine", "the option")])
    if args.subnet.version != 4:
        raise InvalidInput([Problem("--subnet", "a subnet of IPv4 with --engine", repr(str(args.subnet)))])


def _format_option(name: str, path: Path | None) -> tuple[str, ...]:
    return () if path is None else (f"--{name.replace('_', '-')}", str(path.absolute()))


def _build_environment(args: argparse.Namespace) -> EmbeddedEnvironment:
    try:
        from guestagent.demo import EmbeddedEnvironment, ImageEnvironment
        from guestagent.embedded.process import clouds_yaml
        from guestagent.embedded.process.state_file import CloudOptions
    except ImportError as error:
        raise build_missing_extra_error(str(error.name), "controller,embedded") from error
    cloud_options = CloudOptions(
        name=args.name,
        state_folder=(args.state or STATE_FOLDER / args.name).absolute(),
        clouds_file=(args.clouds_file or clouds_yaml.find_clouds_file()).absolute(),
        network=args.subnet,
        heat=args.heat,
    )
    if args.engine is not None:
        _check_engine_options(args)
        with require_resources_extra():
            from guestagent.demo.managed_environment import ManagedEnvironment

            return ManagedEnvironment(cloud_options, image=f"guestagent-{args.db}")
    if args.image is None:
        return EmbeddedEnvironment(cloud_options, image=f"guestagent-{args.db}")
    if args.db != DATABASES[0]:
        raise InvalidInput([Problem("--db", "none with --image, whose server the nodes have", repr(args.db))])
    return ImageEnvironment(cloud_options, Path(args.image).absolute() if args.image else None)
