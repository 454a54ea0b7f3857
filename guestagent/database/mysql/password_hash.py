"""What caching_sha2_password stores of a password: made here, so that no server is ever told the password to do it.

`$A$`, the thousands of rounds in three hexadecimal digits, `$`, 20 bytes of salt, and the 43 characters in which
SHA-crypt (Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512") writes SHA-256.
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
"""Thousands. What MySQL 9.7 makes by itself; 8.0, which makes 5, reads any."""

COMPARISON_CACHE = ComparisonCache()
HASH_PATTERN = re.compile(r"\$A\$([0-9A-F]{3})\$(.{20})([./0-9A-Za-z]{43})", re.S)
SALT_CHARACTERS = string.ascii_letters + string.digits
BASE64_DIGITS = "./" + string.digits + string.ascii_uppercase + string.ascii_lowercase
BYTE_ORDER = ((0, 10, 20), (21, 1, 11), (12, 22, 2), (3, 13, 23), (24, 4, 14),
         (15, 25, 5), (6, 16, 26), (27, 7, 17), (18, 28, 8), (9, 19, 29))  # fmt: skip


def hash_password(password: Secret, salt: str | None = None, thousands: int = ROUND_THOUSANDS) -> Secret:
    """What the server stores of `password`; the salt (20 characters of ASCII) is a new one where none is given."""
    salt = "".join(secrets.choice(SALT_CHARACTERS) for _ in range(20)) if salt is None else salt
    plain = password.reveal().encode("utf-8", "surrogatepass")
    return Secret(f"$A${thousands:03X}${salt}{_crypt(plain, salt.encode(), thousands * 1000)}")


def verify_password(stored: Secret, password: Secret) -> bool:
    """Whether `stored` is of `password`; what is not of this kind is of none. Slow only for a pair that is new."""
    found = HASH_PATTERN.fullmatch(stored.reveal())
    if found is None:
        return False
    salt, thousands = found[2], int(found[1], 16)

    def is_same() -> bool:
        again = hash_password(password, salt, thousands)
        return hmac.compare_digest(again.reveal().encode(), stored.reveal().encode())

    return COMPARISON_CACHE.compare(stored.reveal(), password.reveal(), is_same)


def _crypt(plain: bytes, salt: bytes, rounds: int) -> str:
    """SHA-crypt with SHA-256: some milliseconds, which is what it is for."""
    first = hashlib.sha256(plain + salt + plain).digest()
    mixed = hashlib.sha256(plain + salt + _repeated(first, len(plain)))
    for bit in _bits(len(plain)):
        mixed.update(first if bit else plain)
    digest = mixed.digest()
    p = _repeated(hashlib.sha256(plain * len(plain)).digest(), len(plain))
    s = _repeated(hashlib.sha256(salt * (16 + digest[0])).digest(), len(salt))
    for number in range(rounds):
        odd = number % 2
        turn = p if odd else digest
        turn += s if number % 3 else b""
        turn += p if number % 7 else b""
        digest = hashlib.sha256(turn + (digest if odd else p)).digest()
    return _written(digest)


def _repeated(digest: bytes, length: int) -> bytes:
    return (digest * (length // 32 + 1))[:length]


def _bits(number: int) -> Iterator[int]:
    while number:
        yield number & 1
        number >>= 1


def _written(digest: bytes) -> str:
    """Its own base 64: three bytes, out of order, as four digits from the lowest on."""
    triples = [(digest[a] << 16 | digest[b] << 8 | digest[c], 4) for a, b, c in BYTE_ORDER]
    triples.append((digest[31] << 8 | digest[30], 3))
    return "".join(
        BASE64_DIGITS[value >> 6 * place & 63] for value, length in triples for place in range(length)
    )
