"""The exit codes of `guestagent resources`: the last lines of each help. `guestagent --help` has all."""

from __future__ import annotations

from collections.abc import Mapping

LOCAL_CODES: Mapping[int, str] = {
    2: "invalid input or settings",
    8: "the store or the key file cannot be used",
}
"""Of commands that only work on this host."""
MANAGER_CODES: Mapping[int, str] = {
    2: "invalid input or settings",
    5: "without a broker: there is no such cloud in clouds.yaml, or it does not answer",
    8: "without a broker: the store cannot be used",
    12: "refused; the message begins with a code",
    13: "no answer from the service",
}
"""Of commands that ask the resource manager."""
WAIT_CODES: Mapping[int, str] = {
    7: "with --wait: the timeout is over, and the operation goes on",
    14: "with --wait: the operation failed, was cancelled or needs a person",
}


def format_exit_codes(*codes: Mapping[int, str]) -> str:
    """Return the line for these codes, sorted. A later meaning of a code replaces an earlier one."""
    meanings = {code: meaning for each in codes for code, meaning in each.items()}
    return "exit codes: " + "; ".join(f"{code} {meanings[code]}" for code in sorted(meanings))


def format_manager_codes(*codes: Mapping[int, str]) -> str:
    """Return the line for a command that asks the resource manager."""
    return format_exit_codes(MANAGER_CODES, *codes)
