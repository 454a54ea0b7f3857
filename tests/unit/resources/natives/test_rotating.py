"""Rotations of passwords and keys: at every moment a replica can connect, and a node can read its document."""

from __future__ import annotations

from guestagent.resources.operation import OperationState
from guestagent.resources.orders import Order, RotatePasswords
from tests.support.orders import build_order
from tests.unit.resources.natives.worlds import World


def rotate() -> Order:
    order: Order = build_order(RotatePasswords)
    return order


def describe(world: World) -> tuple[bool, str, tuple[str, ...], list[int], list[int]]:
    """Return whether a rotation goes on, its keys, and the generations and password numbers of all instances."""
    wanted = world.wanted
    assert wanted is not None
    generations = [each.generation for each in wanted]
    numbers = [each.password_number for each in wanted]
    return wanted.is_rotating, wanted.key_id, wanted.previous_keys, generations, numbers


def test_the_source_discards_the_old_passwords_when_all_replicas_have_moved() -> None:
    world = World().create(replicas=2)
    states: list[tuple[bool, str, tuple[str, ...], list[int], list[int]]] = []
    world.watchers.append(lambda world: states.append(describe(world)))

    operation = world.run(rotate())

    assert operation.state is OperationState.DONE
    assert (True, "k1", ("",), [2, 2, 2], [1, 2, 2]) in states
    assert states[-1] == (False, "k1", (), [3, 2, 2], [1, 2, 2])
    assert world.cloud.requests == []


def test_a_replica_that_fails_leaves_the_old_passwords_valid_and_the_next_order_goes_on() -> None:
    world = World().create(replicas=1)
    world.failing_guests.add("Slave0000")
    failed = world.run(rotate())
    assert failed.refusal is not None
    assert (failed.state, failed.refusal.message) == (OperationState.FAILED, "Slave0000: disk full")
    assert describe(world) == (True, "k1", ("",), [2, 2], [1, 2])
    world.failing_guests.clear()

    done = world.run(rotate())

    assert done.state is OperationState.DONE
    assert describe(world) == (False, "k1", (), [4, 3], [1, 2]), "no third password"


def test_a_rotation_without_a_new_key_changes_the_passwords_alone() -> None:
    world = World().create(replicas=1)
    world.run(rotate())
    world.deaf_guests.update({"Master0000", "Slave0000"})

    operation = world.run(rotate())

    assert operation.state is OperationState.DONE
    assert describe(world) == (False, "k1", (), [5, 3], [1, 3])


def test_a_new_key_is_used_by_the_rotation_and_the_old_one_needed_until_all_nodes_read_by_it() -> None:
    world = World().create(replicas=1)
    world.deaf_guests.add("Slave0000")
    operation = world.store.operation(world.submit(rotate()))
    assert operation is not None
    world.live(30)
    waiting = world.get_operation(operation.id)
    assert waiting.waiting_for == "Slave0000 has not read its document at its new address"
    assert describe(world) == (False, "k1", ("",), [3, 2], [1, 2])
    world.deaf_guests.clear()

    done = world.await_end(operation)

    assert done.state is OperationState.DONE
    assert describe(world) == (False, "k1", (), [3, 2], [1, 2])


def test_a_node_that_never_uses_its_new_address_fails_the_rotation() -> None:
    world = World().create(replicas=1)
    world.deaf_guests.add("Slave0000")

    failed = world.run(rotate())

    assert failed.refusal is not None
    assert failed.refusal.message.startswith("Slave0000 has not read its document at its new address")
    assert describe(world)[2] == ("",), "the old key is still needed"
