"""Errors with which a server rejects a statement on an account before it changes anything. Pure."""

from __future__ import annotations

ER_CANNOT_USER = 1396
"""ER_CANNOT_USER: there is such an account already, or there is none."""

NO_EFFECT_ERRORS = frozenset(
    {
        1044, 1045, 1142, 1227,  # a right is missing
        1064, 1470, 3056,  # a text that is no statement, or too long a name or password
        1290,  # the server is read-only, or accepts no hashes (strict_password_validation)
        1819,  # the password's policy
        1133, 1410, ER_CANNOT_USER, 1959, 1976, 3523,  # no such account or role, or one that exists
        1524,  # a plugin that the server lacks
    }
)  # fmt: skip
"""Every other error counts as one after which the server may have changed and its binary log not: a lock or a time that
was waited out, a statement that was killed, a log that could not be written.
"""
