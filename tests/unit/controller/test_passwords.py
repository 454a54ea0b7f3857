"""Passwords that are parameters: given or made once, kept by every update, and written nowhere."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestagent.controller import Cluster, Dialect, FakeHeat, Passwords, Stacks, parse, render
from guestagent.controller.passwords import (
    PASSWORD_LENGTH,
    check_passwords,
    generate_passwords,
    parse_passwords,
)
from guestagent.controller.template import list_parameters
from guestagent.errors import InvalidInput, StackFailed
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.cluster_strategies import SMALL, build_cluster

PARAMETERS = Passwords.PARAMETERS
GIVEN = {"Master0000": Secret("s3cret-m"), "Slave0000": Secret("s3cret-0")}

dialects = pytest.mark.parametrize("dialect", Dialect)


def launch_stack(heat: FakeHeat, cluster: Cluster, passwords: dict[str, Secret] | None = None) -> Stacks:
    stacks = Stacks(heat, FakeClock())
    stacks.wait(stacks.create("db", cluster, passwords))
    return stacks


@dialects
def test_each_node_has_a_hidden_parameter_and_no_resource_makes_one(dialect: Dialect) -> None:
    text = json.dumps(render(build_cluster(1, passwords=PARAMETERS, dialect=dialect)))

    assert "RandomString" not in text
    assert text.count('"NoEcho": true') + text.count('"hidden": true') == 2
    assert text.count('{"Ref": "Slave0000Password"}') + text.count('{"get_param": "Slave0000Password"}') == 2


@dialects
def test_given_passwords_reach_heat_beside_the_template(dialect: Dialect) -> None:
    heat = FakeHeat()

    stacks = launch_stack(heat, build_cluster(1, passwords=PARAMETERS, dialect=dialect), GIVEN)

    assert heat.live["db"].parameters == {f"{name}Password": value for name, value in GIVEN.items()}
    assert "s3cret" not in json.dumps(heat.live["db"].template) + repr(heat.live["db"])
    assert stacks.cluster("db").passwords is PARAMETERS


@dialects
def test_if_none_are_given_they_are_generated(dialect: Dialect) -> None:
    heat = FakeHeat()

    launch_stack(heat, build_cluster(2, passwords=PARAMETERS, dialect=dialect))

    parameters = heat.live["db"].parameters
    assert sorted(parameters) == ["Master0000Password", "Slave0000Password", "Slave0001Password"]
    assert {len(value) for value in parameters.values()} == {PASSWORD_LENGTH}
    assert len({value.reveal() for value in parameters.values()}) == 3


def test_a_change_gives_what_is_new_and_keeps_the_rest() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster(1, passwords=PARAMETERS), GIVEN)

    new = {"Slave0001": Secret("s3cret-1")}
    stacks.wait(stacks.change("db", lambda cluster: cluster.add_replica(SMALL), new))
    stacks.wait(stacks.change("db", lambda cluster: cluster.remove_replica("Slave0000")))
    stacks.wait(stacks.change("db", lambda cluster: cluster.renew("Slave0001")))

    assert heat.live["db"].parameters == {
        "Master0000Password": Secret("s3cret-m"),
        "Slave0001Password": Secret("s3cret-1"),
    }


def test_after_a_failed_change_the_next_one_gives_nothing_twice() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster(1, passwords=PARAMETERS), GIVEN)
    heat.verdicts["Slave0001ReadyWaitCond"] = "no room"
    with pytest.raises(StackFailed):
        stacks.wait(stacks.change("db", lambda cluster: cluster.add_replica(SMALL)))
    before = heat.live["db"].parameters

    heat.verdicts.clear()
    stacks.wait(stacks.change("db", lambda cluster: cluster))

    assert heat.live["db"].parameters == before


def test_an_answer_that_was_lost_does_not_change_the_passwords() -> None:
    heat = FakeHeat()
    heat.drops = ["create"]
    heat.loses = ["create"]

    launch_stack(heat, build_cluster(1, passwords=PARAMETERS), GIVEN)

    assert heat.live["db"].parameters["Master0000Password"] == GIVEN["Master0000"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "passwords.Master0000: expected a password for this new node, found none"),
        (
            {**GIVEN, "Slave0007": Secret("x")},
            "passwords.Slave0007: expected passwords for Master0000, Slave0000",
        ),
        (
            {**GIVEN, "hunter2": Secret("x")},
            "passwords: expected passwords for Master0000, Slave0000, found one more",
        ),
        (
            {**GIVEN, "Slave0000": Secret("x" * 33)},
            "passwords.Slave0000: expected at most 32 characters, found 33",
        ),
        ({**GIVEN, "Slave0000": Secret("")}, "passwords.Slave0000: expected a string"),
    ],
)
def test_what_is_given_is_checked_before_anything_is_asked(wrong: dict[str, Secret], message: str) -> None:
    heat = FakeHeat()

    with pytest.raises(InvalidInput) as refused:
        Stacks(heat, FakeClock()).create(
            "db", build_cluster(1, passwords=PARAMETERS, metadata_url="http://h/"), wrong
        )

    assert message in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert heat.live == {}


def test_if_heat_generates_them_none_can_be_given() -> None:
    heat = FakeHeat()

    with pytest.raises(InvalidInput, match="none if Heat makes them"):
        Stacks(heat, FakeClock()).create("db", build_cluster(1), GIVEN)


texts = st.text(st.characters(exclude_categories=["C"], max_codepoint=0xFFFF), min_size=1, max_size=24)


@given(st.dictionaries(st.sampled_from(["Master0000", "Slave0000", "Slave0012"]), texts))
def test_a_file_of_passwords_is_read_as_it_is(document: dict[str, str]) -> None:
    assert {name: value.reveal() for name, value in parse_passwords(document).items()} == document


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "document: expected a mapping of nodes' names to passwords, found nothing"),
        ("hunter2", "document: expected a mapping of nodes' names to passwords, found a string"),
        (
            {"hunter2": "Slave0000"},
            "entry 1: expected a node's name, Slave0000 or the like, found another key",
        ),
        ({"Slave0000": 12345}, "Slave0000: expected a string, found an integer (quote it)"),
        ({"Slave0000": "hunter2" * 5}, "Slave0000: expected at most 32 characters, found 35"),
    ],
)
def test_a_wrong_file_is_refused_without_a_word_of_it(document: object, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_passwords(document)

    assert message in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert "12345" not in str(refused.value)


def test_passwords_that_are_made_meet_what_is_asked_of_given_ones() -> None:
    names = [f"Slave{number:04}" for number in range(50)]

    check_passwords(names, generate_passwords(names))


def test_parameters_are_read_back_whatever_was_done_to_the_cluster() -> None:
    cluster = (
        build_cluster(2, passwords=PARAMETERS, dialect=Dialect.HOT)
        .add_replica(SMALL)
        .remove_replica("Slave0000")
    )

    assert parse(render(cluster)) == cluster
    assert list_parameters(cluster) == (
        "Master0000Password",
        "Slave0001Password",
        "Slave0002Password",
        "Slave0002DonorPassword",
    )
    assert parse(render(cluster.in_dialect(Dialect.CFN))).passwords is PARAMETERS
