"""Which guest `cloud ssh` enters."""

from __future__ import annotations

import pytest

from guestagent.embedded.process.client import choose_guest
from guestagent.errors import CloudRefused

SERVERS = [
    {"id": "id-1", "name": "shop-Master0000-abc", "address": "10.77.0.10"},
    {"id": "id-2", "name": "mail-Master0000-def", "address": "10.77.0.11"},
    {"id": "id-3", "name": "mail-Slave0000-ghi", "address": "10.77.0.12"},
]


@pytest.mark.parametrize("guest", ["id-3", "10.77.0.12", "mail-Slave0000-ghi", "Slave0000"])
def test_a_guest_is_found_by_each_of_its_names(guest: str) -> None:
    assert choose_guest(SERVERS, guest) == "id-3"


def test_a_resource_of_two_stacks_is_refused_with_both() -> None:
    with pytest.raises(CloudRefused) as refused:
        choose_guest(SERVERS, "Master0000")

    assert str(refused.value) == (
        "2 guests are named Master0000: mail-Master0000-def (10.77.0.11), shop-Master0000-abc (10.77.0.10); "
        "give the server's name or its address"
    )


def test_an_unknown_guest_is_refused_with_those_that_exist() -> None:
    with pytest.raises(CloudRefused, match="there is no guest Slave0009; there are: mail-Master0000-def, "):
        choose_guest(SERVERS, "Slave0009")
