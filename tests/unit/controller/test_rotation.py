"""Passwords that are replaced while the source retains the old ones: as values, as templates, and over a Heat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from guestagent.controller import Cluster, Dialect, FakeHeat, Stack, Stacks, parse, render
from guestagent.errors import CloudUnreachable, InvalidCluster, StackFailed
from guestagent.retry import FakeClock
from tests.support.cluster_strategies import SMALL, build_cluster


class RecordingHeat(FakeHeat):
    """Remembers every cluster that it was given; dies before the update of that number."""

    def __init__(self, dies_at: int | None = None) -> None:
        super().__init__()
        self.updates: list[Cluster] = []
        self.dies_at = dies_at

    def update(self, stack: Stack, template: Mapping[str, Any], *more: Any) -> None:
        if len(self.updates) == self.dies_at:
            raise Killed
        super().update(stack, template, *more)
        self.updates.append(parse(template))


class Killed(Exception):
    """The controller ends here."""


def open_stacks(heat: FakeHeat) -> Stacks:
    return Stacks(heat, FakeClock())


def launch_stack(heat: FakeHeat, cluster: Cluster) -> Stacks:
    stacks = open_stacks(heat)
    stacks.wait(stacks.create("db", cluster))
    return stacks


def list_password_numbers(cluster: Cluster) -> list[int]:
    return [node.password_number for node in cluster.replicas]


def list_generations(cluster: Cluster) -> list[int]:
    return [node.generation for node in cluster]


def read_cluster(heat: FakeHeat) -> Cluster:
    return parse(heat.live["db"].template)


def test_a_rotation_is_something_new_to_prove_for_the_source_and_those_that_move() -> None:
    rotated = build_cluster(3).rotate("Slave0001")

    assert list_password_numbers(rotated) == [1, 2, 1]
    assert list_generations(rotated) == [2, 1, 2, 1]
    assert rotated.rotating


def test_ending_it_is_the_sources_to_prove_alone() -> None:
    ended_cluster = build_cluster(2).rotate().end_rotation()

    assert list_password_numbers(ended_cluster) == [2, 2]
    assert list_generations(ended_cluster) == [3, 2, 2]
    assert not ended_cluster.rotating


@pytest.mark.parametrize("names", [("Master0000",), ("Slave0009",), ("Slave0000", "Slave0009")])
def test_only_replicas_have_passwords_to_rotate(names: tuple[str, ...]) -> None:
    with pytest.raises(InvalidCluster, match=f"one of Slave0000.*{names[-1]}"):
        build_cluster(1).rotate(*names)


def test_a_cluster_without_replicas_has_nothing_to_rotate() -> None:
    with pytest.raises(InvalidCluster):
        build_cluster().rotate()


def test_a_rotation_does_not_begin_in_the_middle_of_another() -> None:
    with pytest.raises(InvalidCluster, match="end it first"):
        build_cluster(1).rotate().rotate()


@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_new_password_is_a_new_resource_and_the_template_shows_that_old_ones_are_retained(
    dialect: Dialect,
) -> None:
    rotated = build_cluster(1, dialect=dialect).rotate()

    template = render(rotated)
    resources = template.get("Resources") or template["resources"]
    source = resources["Master0000"].get("Metadata") or resources["Master0000"]["metadata"]
    replica = resources["Slave0000"].get("Metadata") or resources["Slave0000"]["metadata"]

    assert "Slave0000Password2" in resources
    assert "Slave0000Password" not in resources
    assert source["Users"][0]["password"] == replica["Master"]["User"]["password"]
    assert "Slave0000Password2" in str(source["Users"])
    assert source["GuestAgent"]["RetainPasswords"] is True
    assert "RetainPasswords" not in replica["GuestAgent"]
    assert "RetainPasswords" not in str(render(rotated.end_rotation()))
    assert parse(template) == rotated


def test_rotating_takes_two_updates() -> None:
    heat = RecordingHeat()

    launch_stack(heat, build_cluster(2)).rotate("db")

    assert [(list_password_numbers(each), each.rotating) for each in heat.updates] == [
        ([2, 2], True),
        ([2, 2], False),
    ]


@pytest.mark.parametrize("dies_at", range(2))
def test_a_killed_rotation_is_called_again_and_no_password_is_discarded_while_it_is_used(
    dies_at: int,
) -> None:
    heat = RecordingHeat(dies_at)
    with pytest.raises(Killed):
        launch_stack(heat, build_cluster(2)).rotate("db")
    heat.dies_at = None

    open_stacks(heat).rotate("db", ["Slave0000"])

    assert not read_cluster(heat).rotating
    begun = [each.rotating for each in heat.updates]
    assert begun == [True, False] * (len(begun) // 2)
    assert list_password_numbers(read_cluster(heat)) == ([2, 1] if dies_at == 0 else [3, 2])


def test_a_replica_that_could_not_move_moves_before_its_old_password_is_discarded() -> None:
    heat = RecordingHeat()
    stacks = launch_stack(heat, build_cluster(1))
    heat.verdicts["Slave0000ReadyWaitCond2"] = "not ready"
    with pytest.raises(StackFailed):
        stacks.rotate("db")
    assert read_cluster(heat).rotating

    open_stacks(heat).rotate("db")

    assert [(each.rotating, list_generations(each)) for each in heat.updates] == [
        (True, [2, 2]),
        (True, [2, 3]),
        (False, [3, 3]),
        (True, [4, 4]),
        (False, [5, 4]),
    ]


def test_what_else_is_changed_meanwhile_leaves_the_old_passwords_valid() -> None:
    heat = RecordingHeat()
    stacks = launch_stack(heat, build_cluster(1).rotate())

    stacks.wait(stacks.change("db", lambda seen: seen.add_replica(SMALL)))

    assert read_cluster(heat).rotating


def test_a_cloud_that_is_away_between_the_updates_is_no_end_of_the_rotation() -> None:
    heat = RecordingHeat()
    stacks = launch_stack(heat, build_cluster(1))
    stacks.wait(stacks.change("db", lambda seen: seen.rotate()))
    heat.down = 10**6
    with pytest.raises(CloudUnreachable):
        stacks.rotate("db")
    heat.down = 0

    assert read_cluster(heat).rotating
