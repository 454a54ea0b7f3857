"""The keys `seeding` and `verification` of a cluster.yaml."""

from __future__ import annotations

import pytest

from guestagent.controller.cluster_file import parse_cluster_file
from guestagent.controller.seed import SeedSettings
from guestagent.errors import InvalidCluster

BASE = "flavor: m1.small\nimage: guestagent-mariadb\nreplicas: 1\n"


def test_without_them_the_agent_chooses_and_nothing_is_compared() -> None:
    cluster = parse_cluster_file(BASE).cluster

    assert cluster.seeding == SeedSettings()
    assert cluster.verification is None


def test_a_file_sets_how_replicas_get_their_data() -> None:
    text = f"{BASE}seeding: {{method: backup, rate_limit: 50, deadline: 7200}}\n"

    assert parse_cluster_file(text).cluster.seeding == SeedSettings("backup", 50, 7200)


@pytest.mark.parametrize(
    ("text", "name"), [("true", "verifier"), ("false", None), ("{name: checker}", "checker")]
)
def test_a_file_names_the_account_for_comparisons(text: str, name: str | None) -> None:
    assert parse_cluster_file(f"{BASE}verification: {text}\n").cluster.verification == name


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("seeding: fast", "seeding: expected a mapping"),
        ("seeding: {methode: clone}", "did you mean method?"),
        ("seeding: {method: copy}", "seeding.method: expected one of auto, replay, clone, backup, dump"),
        ("seeding: {rate_limit: 0}", "seeding.rate_limit: expected an integer from 1 to 100000"),
        ("seeding: {deadline: 90000}", "seeding.deadline: expected an integer from 1 to 43200"),
        ("verification: verifier", "verification: expected true, false, or a mapping with name"),
        ("verification: {name: root}", "verification: expected a name that no server uses itself"),
        ("verification: {name: slave0000}", "verification: expected a name that no other account"),
        ("verification: {name: Slave0000_donor}", "verification: expected a name that no other account"),
    ],
)
def test_each_problem_has_its_place(line: str, problem: str) -> None:
    with pytest.raises(InvalidCluster) as refusal:
        parse_cluster_file(f"{BASE}{line}\n")

    assert problem in str(refusal.value)
