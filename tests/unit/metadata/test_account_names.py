"""Accounts of different purposes with one name."""

from __future__ import annotations

from typing import Any

import pytest

from guestagent.metadata import parse
from tests.support.metadata_problems import list_problems
from tests.support.raw_documents import SLAVE, build_replica, build_source


def build_account(name: object) -> dict[str, object]:
    return {"name": name, "password": "secret"}


def build_donor(*names: object) -> dict[str, Any]:
    return {
        "Replicas": [
            {"Node": f"Slave{index}", "User": build_account(name), "ReplicationUser": "slave0000"}
            for index, name in enumerate(names)
        ]
    }


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (
            build_source(SLAVE, Donor=build_donor("seed", "slave0000")),
            "GuestAgent.Donor.Replicas[1].User.name: expected names that differ, found the name of Users[0] again",
        ),
        (
            build_source(Donor=build_donor("seed", "seed")),
            "GuestAgent.Donor.Replicas[1].User: expected names that differ, found that of "
            "GuestAgent.Donor.Replicas[0] again",
        ),
        (
            build_source({"name": "a"}, {"password": "b"}, SLAVE, Donor=build_donor("slave0000")),
            "GuestAgent.Donor.Replicas[0].User.name: expected names that differ, found the name of Users[2] again",
        ),
        (
            build_source(SLAVE, Verification=build_account("slave0000")),
            "GuestAgent.Verification.name: expected names that differ, found the name of Users[0] again",
        ),
        (
            build_source(SLAVE, Donor=build_donor("seed"), Verification=build_account("seed")),
            "GuestAgent.Verification.name: expected names that differ, found the name of "
            "GuestAgent.Donor.Replicas[0].User again",
        ),
        (
            build_replica() | {"GuestAgent": {"Seeding": {"Donor": {"User": SLAVE}}}},
            "GuestAgent.Seeding.Donor.User.name: expected names that differ, found the name of Master.User again",
        ),
        (
            build_replica() | {"GuestAgent": {"Verification": SLAVE}},
            "GuestAgent.Verification.name: expected names that differ, found the name of Master.User again",
        ),
        (
            build_source(build_account({"Ref": "Name"}), Verification=build_account({"Ref": "Name"})),
            "GuestAgent.Verification.name: expected names that differ, found the name of Users[0] again",
        ),
    ],
)
def test_a_name_of_two_purposes_is_rejected_with_both_paths(document: object, problem: str) -> None:
    assert list_problems(document) == [problem]


def test_a_donor_user_may_have_the_name_of_another_node() -> None:
    document = parse(build_source(Donor=build_donor("seed", "Slave0")))

    assert document.section.donor is not None


def test_different_names_are_accepted() -> None:
    document = parse(build_source(SLAVE, Donor=build_donor("seed"), Verification=build_account("verify")))

    assert document.section.verification is not None
