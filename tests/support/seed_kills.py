"""Kills of the processes that take part in a seed: who can be hit in which stage, and a moment by chance."""

from __future__ import annotations

import random
import re
import signal
from dataclasses import dataclass

from guestagent.embedded.guests import namespace_processes
from guestagent.embedded.guests.network import build_link_names
from guestagent.seeding import SeedPhase
from tests.support.polling import wait_until
from tests.support.processes import list_commands
from tests.support.seeded_cluster import SeededCluster

BOOT_TIMEOUT_S, STAGE_TIMEOUT_S = 120.0, 300.0
LOOK_INTERVAL_S = 0.005
"""Some phases take a few milliseconds."""
ENDED = frozenset({SeedPhase.DONE, SeedPhase.FAILED})
PHASES = tuple(SeedPhase)


@dataclass(frozen=True, slots=True)
class Victim:
    """Processes of the source or the replica, by a pattern of their command lines."""

    name: str
    is_source: bool
    pattern: str

    def __str__(self) -> str:
        return f"{'source' if self.is_source else 'replica'}-{self.name}"


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a seed that begins with `phase`. A kill by chance comes within `span_s`; `victims` are there then."""

    name: str
    phase: SeedPhase
    span_s: float
    victims: tuple[Victim, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """When to kill whom."""

    stage: Stage
    delay_s: float
    victim: Victim

    def __str__(self) -> str:
        return f"{self.victim}, {self.delay_s:.2f} s after the beginning of {self.stage.name}"


SERVER_PATTERN = "^/usr/sbin/m(ariadb|ysql)d"
REPLICA_AGENT, SOURCE_AGENT = (Victim("agent", is_source, "guestagent serve") for is_source in (False, True))
REPLICA_SERVER, SOURCE_SERVER = (Victim("server", is_source, SERVER_PATTERN) for is_source in (False, True))
WORKER = Victim("worker", False, "guestagent seed run")
DONOR = Victim("donor", True, "guestagent donor serve")
SOURCE_BACKUP = Victim("backup", True, "^mariadb-backup|/mariadb-backup")
RECEIVER = Victim("receiver", False, "^mbstream|/mbstream")
PREPARER = Victim("preparer", False, "^mariadb-backup|/mariadb-backup")
SERVERS, AGENTS = (REPLICA_SERVER, SOURCE_SERVER), (REPLICA_AGENT, SOURCE_AGENT)

BACKUP_STAGES = (
    Stage("the boot", SeedPhase.REQUESTED, 2.0, (SOURCE_SERVER, REPLICA_SERVER, *AGENTS)),
    Stage("connecting", SeedPhase.CONNECTING, 0.5, (WORKER, *reversed(AGENTS), *SERVERS)),
    Stage(
        "transferring",
        SeedPhase.TRANSFERRING,
        4.0,
        (DONOR, SOURCE_BACKUP, RECEIVER, WORKER, *SERVERS, *AGENTS),
    ),
    Stage("preparing", SeedPhase.PREPARING, 0.5, (PREPARER, WORKER, *SERVERS, *AGENTS)),
    Stage("swapping", SeedPhase.SWAPPING, 0.8, (WORKER, REPLICA_AGENT, SOURCE_SERVER, SOURCE_AGENT)),
    Stage("starting", SeedPhase.STARTING, 1.0, (REPLICA_SERVER, WORKER, *AGENTS, SOURCE_SERVER)),
    Stage("positioning", SeedPhase.POSITIONING, 0.02, (REPLICA_SERVER, WORKER, *AGENTS, SOURCE_SERVER)),
    Stage("the channel", SeedPhase.DONE, 2.0, (REPLICA_AGENT, SOURCE_SERVER, REPLICA_SERVER, SOURCE_AGENT)),
)
CLONE_STAGES = (
    Stage("the boot", SeedPhase.REQUESTED, 2.0, (SOURCE_SERVER, REPLICA_SERVER, *AGENTS)),
    Stage("connecting", SeedPhase.CONNECTING, 0.5, (WORKER, *reversed(AGENTS), *SERVERS)),
    Stage("transferring", SeedPhase.TRANSFERRING, 4.0, (REPLICA_SERVER, SOURCE_SERVER, WORKER, *AGENTS)),
    Stage("starting", SeedPhase.STARTING, 2.0, (WORKER, REPLICA_SERVER, *AGENTS, SOURCE_SERVER)),
    Stage("positioning", SeedPhase.POSITIONING, 0.02, (REPLICA_SERVER, WORKER, *AGENTS, SOURCE_SERVER)),
    Stage("the channel", SeedPhase.DONE, 2.0, (REPLICA_AGENT, SOURCE_SERVER, REPLICA_SERVER, SOURCE_AGENT)),
)
STAGES = {"guestagent-mariadb": BACKUP_STAGES, "guestagent-mysql": CLONE_STAGES}


def choose_moment(image: str, number: int) -> Moment:
    """Choose a moment by chance, always the same for a number. Successive numbers go through all stages and victims."""
    stages = STAGES[image]
    turn, index = divmod(number, len(stages))
    stage = stages[index]
    delay_s = random.Random(f"{image} {number}").uniform(0.0, stage.span_s)
    return Moment(stage, delay_s, stage.victims[turn % len(stage.victims)])


def find_stage(image: str, phase: SeedPhase) -> Stage:
    return next(stage for stage in STAGES[image] if stage.phase is phase)


def wait_for_stage(cluster: SeededCluster, stage: Stage) -> None:
    """Wait until the stage begins, or is over."""
    wait_until(lambda: cluster.find_replica_folder() is not None, BOOT_TIMEOUT_S)
    wait_until(lambda: cluster.cloud.hypervisor.is_running(cluster.replica), BOOT_TIMEOUT_S)
    if stage.phase is SeedPhase.REQUESTED:
        return
    later_phases = PHASES[PHASES.index(stage.phase) :]

    def has_begun() -> bool:
        state = cluster.read_seed_state()
        return state is not None and state.phase in later_phases

    wait_until(has_begun, STAGE_TIMEOUT_S, LOOK_INTERVAL_S)


def kill_victim(cluster: SeededCluster, victim: Victim) -> str:
    """Kill the victim when it is there, and describe what was going on then."""
    guest = cluster.source if victim.is_source else cluster.replica
    namespace = build_link_names(cluster.cloud.bridge, guest).namespace
    descriptions: list[str] = []

    def has_hit() -> bool:
        pids = list_victims(namespace, victim)
        state = cluster.read_seed_state()
        for pid in pids:
            namespace_processes.send_signal(namespace, pid, signal.SIGKILL)
        phase = "before the seed" if state is None else f"while {state.phase}"
        has_ended = state is not None and state.phase in ENDED
        if pids or has_ended:
            descriptions.append(f"hit {phase}" if pids else f"nobody was there {phase}")
        return bool(descriptions)

    wait_until(has_hit, STAGE_TIMEOUT_S, LOOK_INTERVAL_S)
    return descriptions[0]


def list_victims(namespace: str, victim: Victim) -> list[int]:
    """Return the ids of the victim's processes on this machine, where a kill takes no process in the guest."""
    pids = set(namespace_processes.list_processes(namespace))
    return [pid for pid, line in list_commands() if pid in pids and re.search(victim.pattern, line)]
