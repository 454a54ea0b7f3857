"""Commands of the set-up, run to their end under the daemons' account, which has no rights."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from guestagent import atomic_file
from guestagent.embedded.host.commands import run_command
from guestagent.embedded.host.unix_account import UnixAccount
from guestagent.errors import CloudError, DeadlineExceeded

BARE_ENVIRONMENT: Mapping[str, str] = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
COMMAND_TIMEOUT_S = 120.0
USUAL_UMASK = 0o022  # the account must be able to read what is installed


def run_as_account(
    description: str,
    argv: Sequence[str],
    *,
    timeout: float = COMMAND_TIMEOUT_S,
    account: UnixAccount | None = None,
    environment: Mapping[str, str] | None = BARE_ENVIRONMENT,
    stdin: str = "",
    log: Path | None = None,
) -> None:
    """Run a command to its end; CloudError with the last line of its output if it fails.

    Secrets belong in `stdin`, never in `argv`. `environment` is the whole environment; None passes this process's own,
    for pip only, which needs its settings.
    """
    try:
        completed = run_command(
            build_account_command(account, argv),
            stdin=stdin,
            environment=os.environ if environment is None else environment,
            timeout=timeout,
            umask=USUAL_UMASK,
        )
    except DeadlineExceeded as error:
        raise DeadlineExceeded(f"{description}: it did not end within {timeout:g} s") from error
    output = completed.stdout + completed.stderr
    if log is not None:
        atomic_file.write_file(log, output.encode())
    if completed.returncode:
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        raise CloudError(f"{description}: {lines[-1] if lines else 'no output'}")


def build_account_command(account: UnixAccount | None, argv: Sequence[str]) -> tuple[str, ...]:
    """Build the command line that runs `argv` as the account, without privileges, and killed with its parent."""
    if account is None:
        return tuple(argv)
    user = (f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups")
    return ("setpriv", *user, "--no-new-privs", "--pdeathsig=KILL", "--", *argv)
