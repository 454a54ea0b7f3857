"""The user data of a server of NATIVES: where its collector finds the first document, and whom it trusts. Pure.

Whoever reads user data (all of the project, and processes in the guest that reach Nova's metadata service) learns an
address that is of no use any more once the node has read its document.
"""

from __future__ import annotations

import shlex

from guestagent.secret import Secret

COLLECTOR_FILE = "/etc/os-collect-config.conf"
AUTHORITY_FILE = "/etc/guestagent/endpoint-ca.pem"
ENVIRONMENT_FILE = "/etc/guestagent/endpoint.env"
"""Read by the units of the agent and its collector: both trust the endpoint's CA then."""


def build_guest_user_data(boot_url: str, polling_interval_s: int, authority: str | None = None) -> Secret:
    """Return the script. `authority` is the CA of the endpoint (PEM); None: one that the image trusts."""
    lines = ["#!/bin/sh", "set -eu", "umask 077"]
    if authority is not None:
        lines += [
            f"mkdir -p {AUTHORITY_FILE.rpartition('/')[0]}",
            f"cat > {AUTHORITY_FILE} <<'GUESTAGENT'",
            authority.rstrip("\n"),
            "GUESTAGENT",
            f"echo {shlex.quote(f'REQUESTS_CA_BUNDLE={AUTHORITY_FILE}')} > {ENVIRONMENT_FILE}",
        ]
    lines += [
        f"cat > {COLLECTOR_FILE} <<'GUESTAGENT'",
        "[DEFAULT]",
        "command = guestagent poke",
        "collectors = request",
        f"polling_interval = {polling_interval_s}",
        "[request]",
        f"metadata_url = {boot_url}",
        "GUESTAGENT",
    ]
    return Secret("\n".join(lines) + "\n")
