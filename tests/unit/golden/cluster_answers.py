"""Golden answers of `cluster`, from the Heat in memory that the library ships."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from guestagent.controller import Cluster, Dialect, FakeHeat, Node, Resource, StackVolume, render
from guestagent.controller.fake import FakeStack
from guestagent.controller.template import list_parameters
from guestagent.secret import Secret
from tests.unit.golden.clusters import build_cluster, build_everything
from tests.unit.golden.command_line import ERROR_PROSE, answer_command, connect_to
from tests.unit.golden.golden_file import DATA, WRITTEN_BY, add_golden

STACK = "db"
PEOPLE = WRITTEN_BY / "people"
TEMPLATES = DATA / "files" / "templates"
EVIDENCE = {"role": "source", "lag": None, "conditions": {"server": "held: 10.11"}}


class QuickHeat(FakeHeat):
    """A Heat that completes every action before the first poll, so that no test waits."""

    def _advance_stack(self, name: str) -> FakeStack:
        while self.live[name].stack.in_progress:
            self.live[name].advance(self.verdicts)
        return self.live[name]


class StillHeat(FakeHeat):
    """A Heat whose stacks stay as they are."""

    def _advance_stack(self, name: str) -> FakeStack:
        return self.live[name]


def launch(heat: FakeHeat, cluster: Cluster) -> FakeHeat:
    """Create the cluster as a new stack, and return the Heat."""
    values = {name: Secret("s3cret") for name in list_parameters(cluster)}
    heat.create(STACK, render(cluster), 30, values)
    return heat


def build_held(cluster: Cluster, status: str, reason: str, *resources: Resource) -> FakeHeat:
    """Build a Heat whose only stack stays in this status, with these resources in place of its own."""
    heat = launch(StillHeat(), cluster)
    live = heat.live[STACK]
    live.stack = replace(live.stack, status=status, reason=reason)
    live.resources |= {each.name: each for each in resources}
    return heat


def build_ready(dialect: Dialect) -> FakeHeat:
    """Build a Heat in which all nodes are ready. The dialects spell the data of a condition differently."""
    cluster = build_cluster(dialect, 1, subnet="subnet-1")
    key = "Data" if dialect is Dialect.CFN else "data"
    data = {key: json.dumps({"Master0000-1": json.dumps(EVIDENCE)})}
    return build_held(
        cluster,
        "CREATE_COMPLETE",
        "Stack CREATE completed",
        Resource("Master0000ReadyWaitCond", "CREATE_COMPLETE", "", data),
        Resource("Slave0000ReadyWaitCond", "CREATE_COMPLETE"),
    )


def build_failed() -> FakeHeat:
    return build_held(
        build_cluster(Dialect.HOT, 1, subnet="subnet-1"),
        "CREATE_FAILED",
        "Resource CREATE failed: resources.Slave0000ReadyWaitCond: no login",
        Resource("Master0000ReadyWaitCond", "CREATE_COMPLETE"),
        Resource("Slave0000ReadyWaitCond", "CREATE_FAILED", "no login"),
    )


def build_in_progress() -> FakeHeat:
    """Build a Heat with a node in every state."""
    return build_held(
        build_cluster(Dialect.HOT, 4, subnet="subnet-1"),
        "CREATE_IN_PROGRESS",
        "Stack CREATE started",
        Resource("Master0000ReadyWaitCond", "CREATE_COMPLETE"),
        Resource("Slave0000ReadyWaitCond", "CREATE_FAILED", "no login"),
        Resource("Slave0001ReadyWaitCond", "CREATE_IN_PROGRESS"),
        Resource("Slave0002ReadyWaitCond", "INIT_COMPLETE"),
        Resource("Slave0003ReadyWaitCond", "INIT_COMPLETE"),
        Resource("Slave0003ReadyWaitCondHandle", "INIT_COMPLETE"),
    )


def build_quick(replicas: int = 1) -> FakeHeat:
    return launch(QuickHeat(), build_cluster(Dialect.HOT, replicas, subnet="subnet-1"))


def build_with_volume() -> FakeHeat:
    node = Node("m1.small", "guestagent-volume", volume=StackVolume(20))
    return launch(QuickHeat(), Cluster.new(source=node, network="network-1", client_networks=["10.1.0.0/16"]))


def build_admitting() -> FakeHeat:
    """Build a Heat whose stack has a follower."""
    cluster = build_cluster(Dialect.HOT, 1, subnet="subnet-1")
    return launch(QuickHeat(), cluster.admit("reports", "10.2.0.0/24"))


def admit_follower(folder: Path) -> str:
    """Answer `cluster admit`, which reads a file that only its owner can read."""
    passwords = folder / "shared.yaml"
    passwords.touch(0o600)
    passwords.write_text("follower_reports: known-to-both\n", encoding="utf-8")
    words = ["cluster", "admit", STACK, "reports", "10.2.0.0/24", "--passwords", str(passwords)]
    with connect_to(build_quick()):
        return answer_command(words, folder, ERROR_PROSE)


def build_bare() -> FakeHeat:
    """Build a Heat without anything that a cluster needs."""
    heat = FakeHeat()
    heat.types, heat.versions, heat.url, heat.api_url = frozenset(), frozenset(), None, None
    return heat


def add_answer(
    name: str,
    words: Sequence[str | Path],
    heat: Callable[[], FakeHeat] = QuickHeat,
    prose: Sequence[str] = ERROR_PROSE,
) -> None:
    def build(folder: Path) -> str:
        with connect_to(heat()):
            return answer_command(["cluster", *map(str, words)], folder, prose)

    add_golden(f"answers/cluster-{name}.json", build)


def add_template_answers() -> None:
    """Register the answers of commands that use no cloud."""
    for dialect in Dialect:
        add_answer(
            f"template/{dialect}", ["template", PEOPLE / "cluster-in-short.yaml", "--dialect", dialect.value]
        )
        add_answer(f"convert/from-{dialect}", ["convert", TEMPLATES / f"one-replica.{dialect}.yaml"])
    add_answer("convert/from-2013", ["convert", PEOPLE / "template-of-2013.yaml"])
    add_answer("lint/fine", ["lint", TEMPLATES / "one-replica.cfn.yaml"])
    add_answer("lint/problems", ["lint", PEOPLE / "template-of-2013.yaml"])


def add_cloud_answers() -> None:
    preflight: dict[str, Any] = {"prose": ("reason", "missing", "cautions")}
    short = PEOPLE / "cluster-in-short.yaml"
    add_answer("preflight/any-cluster", ["preflight"], **preflight)
    add_answer("preflight/file", ["preflight", PEOPLE / "cluster.yaml"], **preflight)
    add_answer("preflight/missing", ["preflight", short, "--dialect", "cfn"], build_bare, **preflight)
    add_answer("create/waited", ["create", short, "--name", STACK])
    add_answer("create/no-wait", ["create", short, "--name", STACK, "--no-wait"])
    add_answer("add-replica/waited", ["add-replica", STACK], build_quick)
    add_answer("add-replica/no-wait", ["add-replica", STACK, "--no-wait"], build_quick)
    add_answer("remove-replica/waited", ["remove-replica", STACK, "Slave0000"], build_quick)
    add_answer("remove-replica/no-wait", ["remove-replica", STACK, "Slave0000", "--no-wait"], build_quick)
    add_answer("resize/waited", ["resize", STACK, "Slave0000", "--flavor", "m1.large"], build_quick)
    grow = ["resize-volume", STACK, "Master0000", "--size", "30"]
    add_answer("resize-volume/waited", grow, build_with_volume)
    add_answer("allow/waited", ["allow", STACK, "10.2.0.0/16"], build_with_volume)
    add_answer("disallow/waited", ["disallow", STACK, "10.1.0.0/16"], build_with_volume)
    replace_network = ["replace-network", STACK, "10.1.0.0/16", "10.3.0.0/16"]
    add_answer("replace-network/waited", replace_network, build_with_volume)
    add_answer("repair/waited", ["repair", STACK, "Slave0000"], build_quick)
    add_answer("repair/reseed", ["repair", STACK, "Slave0000", "--reseed", "--yes"], build_quick)
    add_answer("rotate/waited", ["rotate", STACK], build_quick)
    add_golden("answers/cluster-admit/waited.json", admit_follower)
    add_answer("revoke/waited", ["revoke", STACK, "reports"], build_admitting)
    add_answer("delete/waited", ["delete", STACK, "--yes"], build_quick)
    add_answer("delete/no-wait", ["delete", STACK, "--yes", "--no-wait"], build_quick)


def add_status_answers() -> None:
    for dialect in Dialect:
        add_answer(f"status/ready-{dialect}", ["status", STACK], partial(build_ready, dialect))
    add_answer("status/failed", ["status", STACK], build_failed)
    add_answer("status/in-progress", ["status", STACK], build_in_progress)
    everything = build_everything(Dialect.HOT)
    add_answer("status/everything", ["status", STACK], lambda: launch(QuickHeat(), everything))


add_template_answers()
add_cloud_answers()
add_status_answers()
