"""The script that a node runs at its first boot: it tells os-collect-config where the node's metadata is.

Heat replaces a server whose user data changes, so no generation and no handle stands in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from guestagent.controller.node import Node

SETTING_PATTERN = re.compile(r"^(polling_interval|metadata_url) = (.+)$", re.MULTILINE)
# Heat's boot data holds the address of its CFN API, and Heat's part handler leaves it in this file. The key
# must never meet the shell's substitution, so this is a command after the quoted text and no part of it.
METADATA_URL_COMMAND = (
    'echo "metadata_url = $(cat /var/lib/heat-cfntools/cfn-metadata-server)" >> /etc/os-collect-config.conf\n'
)


@dataclass(frozen=True, slots=True)
class UserDataSettings:
    """Where a node collects its metadata (None: Heat's boot data tells it), and every how many seconds."""

    metadata_url: str | None
    polling_interval: int


def build_user_data(node: Node, collecting: UserDataSettings) -> dict[str, Any]:
    """The value of the server's UserData."""
    pieces: list[object] = [
        _script(collecting),
        {"Ref": "AWS::StackName"},
        f"\npath = {node.name}.Metadata\naccess_key_id = ",
        {"Ref": node.access_key},
        "\nsecret_access_key = ",
        {"Fn::GetAtt": [node.access_key, "SecretAccessKey"]},
        "\nGUESTAGENT\n" + (METADATA_URL_COMMAND if collecting.metadata_url is None else ""),
    ]
    return {"Fn::Base64": {"Fn::Join": ["", pieces]}}


def parse_user_data(script: str) -> UserDataSettings | None:
    """What the beginning of a script of ours says; None where it is not one of ours."""
    said = dict(SETTING_PATTERN.findall(script))
    interval = said.get("polling_interval", "")
    if not re.fullmatch("[1-9][0-9]{0,5}", interval):
        return None
    return UserDataSettings(said.get("metadata_url"), int(interval))


def _script(collecting: UserDataSettings) -> str:
    address = "" if collecting.metadata_url is None else f"metadata_url = {collecting.metadata_url}\n"
    return (
        "#!/bin/sh\nset -eu\numask 077\ncat > /etc/os-collect-config.conf <<'GUESTAGENT'\n"
        "[DEFAULT]\ncommand = guestagent poke\ncollectors = cfn\n"
        f"polling_interval = {collecting.polling_interval}\n"
        f"[cfn]\n{address}stack_name = "
    )
