"""The script that a node runs at its first boot: it configures os-collect-config to read the node's metadata.

Heat replaces a server whose user data changes, so the script contains neither a generation nor a handle.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from guestagent.controller.node import Node

SETTING_PATTERN = re.compile(r"^(polling_interval|metadata_url) = (.+)$", re.MULTILINE)
# Heat's boot data contains the address of its CFN API, and Heat's part handler writes it to this file. The shell must
# not expand the access key, so this is a command after the quoted text and not a part of it.
METADATA_URL_COMMAND = (
    'echo "metadata_url = $(cat /var/lib/heat-cfntools/cfn-metadata-server)" >> /etc/os-collect-config.conf\n'
)


@dataclass(frozen=True, slots=True)
class UserDataSettings:
    """The address of the node's metadata (None: from Heat's boot data), and the polling interval in seconds."""

    metadata_url: str | None
    polling_interval: int


def build_user_data(node: Node, settings: UserDataSettings) -> dict[str, Any]:
    """Build the value of the server's UserData."""
    pieces: list[object] = [
        _build_script(settings),
        {"Ref": "AWS::StackName"},
        f"\npath = {node.name}.Metadata\naccess_key_id = ",
        {"Ref": node.access_key},
        "\nsecret_access_key = ",
        {"Fn::GetAtt": [node.access_key, "SecretAccessKey"]},
        "\nGUESTAGENT\n" + (METADATA_URL_COMMAND if settings.metadata_url is None else ""),
    ]
    return {"Fn::Base64": {"Fn::Join": ["", pieces]}}


def parse_user_data(script: str) -> UserDataSettings | None:
    """Read the settings at the beginning of a script. Return None if this program did not write it."""
    values = dict(SETTING_PATTERN.findall(script))
    interval = values.get("polling_interval", "")
    if not re.fullmatch("[1-9][0-9]{0,5}", interval):
        return None
    return UserDataSettings(values.get("metadata_url"), int(interval))


def _build_script(settings: UserDataSettings) -> str:
    address = "" if settings.metadata_url is None else f"metadata_url = {settings.metadata_url}\n"
    return (
        "#!/bin/sh\nset -eu\numask 077\ncat > /etc/os-collect-config.conf <<'GUESTAGENT'\n"
        "[DEFAULT]\ncommand = guestagent poke\ncollectors = cfn\n"
        f"polling_interval = {settings.polling_interval}\n"
        f"[cfn]\n{address}stack_name = "
    )
