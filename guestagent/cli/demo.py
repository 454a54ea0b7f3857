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
from guestagent.cli.cloud import STATE
from guestagent.cli.error_answer import INTERRUPTED
from guestagent.cli.interruptions import Interruptions
from guestagent.cli.subnet import subnet
from guestagent.errors import GuestAgentError, UnsupportedEnvironment
from guestagent.retry import Clock, SystemClock

if TYPE_CHECKING:
    from guestagent.demo import Findings, Ground, Place, Tell

FINE, NOT_HELD = 0, 1
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
    parser.add_argument("--state", type=Path, help=f"the cloud's folder (default: {STATE}/NAME)")
    parser.add_argument("--clouds-file", type=Path, help="the clouds.yaml to write the cloud's entry into")
    parser.add_argument(
        "--subnet", type=subnet, default="10.78.0.0/24", help="the guests' subnet, IPv4 or IPv6 (default: %(default)s)"
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
    options.as_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Play it, tear it down, say whether it held."""
    clock = SystemClock()
    began = clock.now()
    ground = _ground(args)
    with ground.alone():
        found = performed(ground, args.keep, clock)
    seconds = clock.now() - began
    if args.json:
        sys.stdout.write(json.dumps(_document(found, seconds, ground.runs), indent=2) + "\n")
    else:
        _explain(found)
        sys.stdout.write((_how_to_explore(args) if ground.runs else "") + _verdict(found, seconds) + "\n")
    return found.broken or (NOT_HELD if found.problems else FINE)


def performed(ground: Place, keep: bool, clock: Clock) -> Findings:
    """Whatever happens in the play, and whoever interrupts it: the end is orderly."""
    from guestagent.cli.scene import watched
    from guestagent.demo import Act, Findings

    found = Findings(0, ("interrupted",), broken=INTERRUPTED)
    with watched(clock) as tell, Interruptions() as interruptions:
        try:
            try:
                found = _played(ground, tell, keep, clock, interruptions)
            except KeyboardInterrupt:
                tell(Act("interrupted"))
            finally:
                interruptions.ignore()
        finally:
            # The first interruption ignores all others, so nothing comes between here and the end.
            interruptions.ignore()
            if not (keep and ground.runs) or found.broken == INTERRUPTED:
                found = _torn_down(ground, tell, found)
    return found


def _played(ground: Place, tell: Tell, keep: bool, clock: Clock, interruptions: Interruptions) -> Findings:
    from guestagent.demo import Act, Failing, Findings, play

    try:
        if ground.down():
            tell(Act("removed what an earlier demo left"))
        ground.prepare(lambda said: tell(Act(said)))
        tell(Act("starting a cloud on this machine"))
        with interruptions.held_back():
            ground.up()
    except GuestAgentError as error:
        blamed = Failing("the cloud", str(error), ground.cloud_log())
        return Findings(0, (str(error),), failing=(blamed,), broken=error.exit_code)
    return play(ground, tell, clock, keep=keep)


def _torn_down(ground: Place, tell: Tell, found: Findings) -> Findings:
    from guestagent.demo import Act

    tell(Act("tearing everything down"))
    try:
        ground.down()
    except GuestAgentError as error:
        problems = (*found.problems, f"tearing down: {error}")
        return replace(found, problems=problems, broken=found.broken or error.exit_code)
    return found


def _explain(found: Findings) -> None:
    """The cluster as it was last seen; of what failed, the reasons and the agents' own last words."""
    from guestagent.cli.progress import as_table

    if found.status is not None:
        sys.stdout.write(as_table(found.status))
    for failing in found.failing:
        sys.stdout.write(f"{failing.node}: {failing.reason}\n")
        sys.stdout.writelines(f"    {line}\n" for line in failing.log or ("nothing was said",))


def _verdict(found: Findings, seconds: float) -> str:
    problems = "; ".join(found.problems)
    said = f"did not hold: {problems}" if problems else "held: every acknowledged row is on every replica"
    rows = f", {found.rows} rows" if found.rows else ""
    return " ".join(f"{said}{rows}, {seconds:.0f} seconds".split())


def _document(found: Findings, seconds: float, kept: bool) -> dict[str, object]:
    from guestagent.cli.progress import as_document

    return {
        "held": not found.problems,
        "problems": list(found.problems),
        "rows": found.rows,
        "seconds": round(seconds, 1),
        "kept": kept,
        "failing": [
            {"node": node.node, "reason": node.reason, "log": list(node.log)} for node in found.failing
        ],
        "cluster": as_document(found.status) if found.status else None,
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


def _ground(args: argparse.Namespace) -> Ground:
    try:
        from guestagent.demo import Ground
        from guestagent.embedded import cloudsfile
        from guestagent.embedded.record import Options
    except ImportError as error:
        missing = f"{error.name} is missing: install guestagent[controller,embedded]"
        raise UnsupportedEnvironment(missing) from error
    return Ground(
        Options(
            name=args.name,
            state=(args.state or STATE / args.name).absolute(),
            clouds_file=(args.clouds_file or cloudsfile.default_path()).absolute(),
            network=args.subnet,
            heat=args.heat,
        ),
        image=f"guestagent-{args.db}",
    )
