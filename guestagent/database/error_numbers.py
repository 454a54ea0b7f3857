"""Errors after which a statement on an account has changed nothing. Pure."""

from __future__ import annotations

ER_CANNOT_USER = 1396
"""The account exists already, or does not exist."""

NO_EFFECT_ERRORS = frozenset(
    {
        1044, 1045, 1142, 1227,  # a privilege is missing
        1064, 1470, 3056,  # a syntax error, or a name or password that is too long
        1290,  # the server is read-only, or accepts no hashes (strict_password_validation)
        1819,  # the password policy
        1133, 1410, ER_CANNOT_USER, 1959, 1976, 3523,  # an account or role that does not exist, or exists already
        1524,  # a plugin that is not loaded
    }
)  # fmt: skip
"""After any other error the server may have changed without its binary log: a timeout of a lock or statement, a killed
statement, a log that could not be written.
"""
