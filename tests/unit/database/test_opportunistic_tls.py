"""Choosing TLS by the greeting of a server."""

from __future__ import annotations

import pytest

from guestagent.database.opportunistic_tls import CLIENT_SSL, PLAINTEXT, choose_tls_by_greeting
from guestagent.metadata.document import Tls


def build_greeting(offers_tls: bool, plugin: bytes = b"mysql_native_password") -> bytes:
    flags = CLIENT_SSL if offers_tls else 0
    return b"\0\0\0\0\x0a8.0.36\0" + bytes(13) + flags.to_bytes(2, "little") + bytes(13) + plugin


@pytest.mark.parametrize(("offers_tls", "tls"), [(True, Tls()), (False, PLAINTEXT)])
def test_tls_is_used_if_the_server_offers_it(offers_tls: bool, tls: Tls) -> None:
    assert choose_tls_by_greeting(build_greeting(offers_tls), None) == tls


@pytest.mark.parametrize(
    ("offers_tls", "plugin", "tls"),
    [
        (True, b"mysql_native_password", PLAINTEXT),
        (True, b"caching_sha2_password", Tls()),
        (False, b"caching_sha2_password", PLAINTEXT),
    ],
)
def test_a_login_without_tls_uses_it_only_for_caching_sha2_password(
    offers_tls: bool, plugin: bytes, tls: Tls
) -> None:
    assert choose_tls_by_greeting(build_greeting(offers_tls, plugin), PLAINTEXT) == tls


@pytest.mark.parametrize("size", [0, 8, 20])
def test_an_incomplete_greeting_counts_as_one_that_offers_tls(size: int) -> None:
    assert choose_tls_by_greeting(build_greeting(False)[:size], None) == Tls()
