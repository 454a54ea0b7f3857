"""The hash that mysql_native_password stores, computed here so that no server receives a password to store. Pure."""

from __future__ import annotations

import hashlib
import hmac

from guestagent.secret import Secret


def hash_password(password: Secret) -> Secret:
    """Hash a password as the server stores it: the hash verifies the password without containing it."""
    inner = hashlib.sha1(password.reveal().encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
    return Secret("*" + hashlib.sha1(inner, usedforsecurity=False).hexdigest().upper())


def verify_password(stored_hash: Secret, password: Secret) -> bool:
    """Return whether a stored hash is of this password."""
    computed_hash = hash_password(password).reveal()
    return hmac.compare_digest(computed_hash.encode(), stored_hash.reveal().upper().encode())
