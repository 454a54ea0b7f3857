"""The hash that caching_sha2_password stores, computed here so that no server receives a password to store.

Format: `$A$`, the thousands of rounds in three hexadecimal digits, `$`, 20 bytes of salt, and 43 characters of SHA-256
as SHA-crypt (Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512") encodes it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Iterator

from guestagent.database.comparison_cache import ComparisonCache
from guestagent.secret import Secret

ROUND_THOUSANDS = 10
"""The default of MySQL 9.7. The default of 8.0 is 5, and it accepts any number."""

COMPARISON_CACHE = ComparisonCache()
HASH_PATTERN = re.compile(r"\$A\$([0-9A-F]{3})\$(.{20})([./0-9A-Za-z]{43})", re.S)
SALT_CHARACTERS = string.ascii_letters + string.digits
BASE64_DIGITS = "./" + string.digits + string.ascii_uppercase + string.ascii_lowercase
BYTE_ORDER = ((0, 10, 20), (21, 1, 11), (12, 22, 2), (3, 13, 23), (24, 4, 14),
         (15, 25, 5), (6, 16, 26), (27, 7, 17), (18, 28, 8), (9, 19, 29))  # fmt: skip


def hash_password(password: Secret, salt: str | None = None, thousands: int = ROUND_THOUSANDS) -> Secret:
    """Hash a password as the server stores it, with a new salt by default. A salt has 20 ASCII characters."""
    salt = "".join(secrets.choice(SALT_CHARACTERS) for _ in range(20)) if salt is None else salt
    plaintext = password.reveal().encode("utf-8", "surrogatepass")
    return Secret(
        f"$A${thousands:03X}${salt}{_compute_sha_crypt(plaintext, salt.encode(), thousands * 1000)}"
    )


def verify_password(stored_hash: Secret, password: Secret) -> bool:
    """Return whether a stored hash is of this password; False for hashes of other plugins. Slow only for a new pair."""
    match = HASH_PATTERN.fullmatch(stored_hash.reveal())
    if match is None:
        return False
    salt, thousands = match[2], int(match[1], 16)

    def is_same() -> bool:
        computed_hash = hash_password(password, salt, thousands)
        return hmac.compare_digest(computed_hash.reveal().encode(), stored_hash.reveal().encode())

    return COMPARISON_CACHE.compare(stored_hash.reveal(), password.reveal(), is_same)


def _compute_sha_crypt(plaintext: bytes, salt: bytes, rounds: int) -> str:
    """Compute SHA-crypt with SHA-256, which takes some milliseconds on purpose."""
    first_digest = hashlib.sha256(plaintext + salt + plaintext).digest()
    initial = hashlib.sha256(plaintext + salt + _repeat_digest(first_digest, len(plaintext)))
    for bit in _read_bits(len(plaintext)):
        initial.update(first_digest if bit else plaintext)
    digest = initial.digest()
    # P and S of Drepper's text.
    p_bytes = _repeat_digest(hashlib.sha256(plaintext * len(plaintext)).digest(), len(plaintext))
    s_bytes = _repeat_digest(hashlib.sha256(salt * (16 + digest[0])).digest(), len(salt))
    for number in range(rounds):
        is_odd = number % 2
        block = p_bytes if is_odd else digest
        block += s_bytes if number % 3 else b""
        block += p_bytes if number % 7 else b""
        digest = hashlib.sha256(block + (digest if is_odd else p_bytes)).digest()
    return _encode_digest(digest)


def _repeat_digest(digest: bytes, length: int) -> bytes:
    return (digest * (length // 32 + 1))[:length]


def _read_bits(number: int) -> Iterator[int]:
    while number:
        yield number & 1
        number >>= 1


def _encode_digest(digest: bytes) -> str:
    """Encode in SHA-crypt's own base 64: three bytes, out of order, as four digits with the lowest first."""
    groups = [(digest[a] << 16 | digest[b] << 8 | digest[c], 4) for a, b, c in BYTE_ORDER]
    groups.append((digest[31] << 8 | digest[30], 3))
    return "".join(
        BASE64_DIGITS[value >> 6 * place & 63] for value, length in groups for place in range(length)
    )
