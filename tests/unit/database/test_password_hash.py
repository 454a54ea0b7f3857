"""Hashes of caching_sha2_password: those of servers, and computed ones."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestagent.database.mysql import password_hash
from guestagent.secret import Secret

# As MySQL 9.7 made it of its own accord; its salts hold any byte below 128 but NUL and $.
BY_A_SERVER = bytes.fromhex(
    "24412430304124571A622D7803446128297E1A3209255B62091F6D636F577952427A6B3744714739664D4B54565634716957632F"
    "4E4F7342644F545163625348794635534544"
).decode()
PASSWORDS = st.text(max_size=70)


@pytest.mark.parametrize(
    ("salt", "thousands", "digest"),
    [
        # As the C library's crypt() has them.
        ("saltstring", 5, "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
        ("saltstringsaltst", 10, "3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"),
    ],
)
def test_the_hash_is_sha_crypt(salt: str, thousands: int, digest: str) -> None:
    stored = password_hash.hash_password(Secret("Hello world!"), salt, thousands).reveal()

    assert stored == f"$A${thousands:03X}${salt}{digest}"


def test_a_hash_of_a_server_verifies_only_its_password() -> None:
    assert password_hash.verify_password(Secret(BY_A_SERVER), Secret("pässwörd→"))
    assert not password_hash.verify_password(Secret(BY_A_SERVER), Secret("pässwörd"))


@given(PASSWORDS)
@settings(max_examples=20)
def test_a_computed_hash_verifies_its_password_with_any_salt(password: str) -> None:
    one, other = password_hash.hash_password(Secret(password)), password_hash.hash_password(Secret(password))

    assert one != other
    assert password_hash.HASH_PATTERN.fullmatch(one.reveal())
    assert password_hash.verify_password(one, Secret(password))
    assert not password_hash.verify_password(one, Secret(f"{password}x"))


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19",
        "$A$005$THISISACOMBINATIONOFINVALIDSALTANDPASSWORDTHATMUSTNEVERBRBEUSED",
    ],
)
def test_any_other_text_verifies_nothing(stored: str) -> None:
    assert not password_hash.verify_password(Secret(stored), Secret("password"))
