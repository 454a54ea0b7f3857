"""The search for a resource manager's secrets finds them in clear and in base64, at any offset."""

from __future__ import annotations

from base64 import b64encode

import pytest

from tests.support.manager_secrets import find_secrets, list_document_secrets

DOCUMENTS = {
    "Slave0000": {
        "ReadyWaitCondition": "https://host/v1/shop/Slave0000/signal/1?Signature=KFD0LiYTFASbMNtn6RHI",
        "Users": [{"name": "reader", "password": "U0MWTlRrErvb8kdab9HF"}],
    }
}


def test_passwords_and_signatures_are_secrets() -> None:
    assert dict(list_document_secrets(DOCUMENTS)) == {
        "Slave0000.ReadyWaitCondition signature": "KFD0LiYTFASbMNtn6RHI",
        "Slave0000.Users.0.password": "U0MWTlRrErvb8kdab9HF",
    }


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("after", range(4))
def test_a_secret_is_found_wherever_it_begins(before: int, after: int) -> None:
    content = b"-" * before + b"U0MWTlRrErvb8kdab9HF" + b"-" * after
    places = {"clear": content, "base64": b64encode(content), "other": b"U0MWTlRr-ErvbKdab9HF"}

    found = find_secrets({"a password": "U0MWTlRrErvb8kdab9HF"}, places)

    assert found == [("a password", "clear"), ("a password", "base64")]
