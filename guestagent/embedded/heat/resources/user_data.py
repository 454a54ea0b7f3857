"""User data as Heat sends it to Nova: a MIME multipart of Heat's own parts, the user's and the metadata."""

from __future__ import annotations

import email
import json
from collections.abc import Iterable, Mapping
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

from guestagent.embedded.heat.resources.cloud_init_parts import (
    CFN_INIT_SUBTYPE,
    MimePart,
    build_leading_parts,
    build_log_part,
    build_server_parts,
    measure_as_heat,
)
from guestagent.embedded.http.errors import ResourceFailure

USER_DATA_LIMIT = 65_535  # Nova's limit, on the encoded text


def build_cfntools_data(metadata: Mapping[str, object], script: str, cfn_url: str, user: str = "") -> bytes:
    """Build the user data of AWS::EC2::Instance and HEAT_CFNTOOLS: the script is `cfn-userdata`.

    `user` is an account that the guest gets.
    """
    return _build_multipart(
        [
            *build_leading_parts(user),
            (script, CFN_INIT_SUBTYPE, "cfn-userdata"),
            build_log_part(),
            *_build_init_parts(metadata),
            *build_server_parts(f"{cfn_url}/v1/"),
        ]
    )


def build_config_data(metadata: Mapping[str, object], script: str) -> bytes:
    """Build the user data of SOFTWARE_CONFIG: the script, or each part of a multipart, as it is."""
    return _build_multipart([*build_leading_parts(), *_split_parts(script), *_build_init_parts(metadata)])


def check_length(user_data: bytes) -> bytes:
    """Return the user data unchanged; ResourceFailure if it is too long for Nova."""
    if measure_as_heat(user_data) * 4 / 3 > USER_DATA_LIMIT:
        raise ResourceFailure(
            "BadRequest", "Invalid input for field/attribute user_data. Value: ... is too long (HTTP 400)"
        )
    return user_data


def _split_parts(script: str) -> Iterable[MimePart]:
    message = email.message_from_string(script)
    if not message.is_multipart():
        return [(script, "plain", "")]
    leaf_parts = (part for part in message.walk() if not part.is_multipart())
    return [
        (str(part.get_payload()), part.get_content_subtype(), part.get_filename() or "")
        for part in leaf_parts
    ]


def _build_init_parts(metadata: Mapping[str, object]) -> list[MimePart]:
    return [(json.dumps(metadata), CFN_INIT_SUBTYPE, "cfn-init-data")] if metadata else []


def _build_multipart(parts: Iterable[MimePart]) -> bytes:
    message = MIMEMultipart()
    for content, subtype, name in parts:
        part = MIMEText(content, subtype, "us-ascii" if content.isascii() else "utf-8")
        part.add_header("Content-Disposition", "attachment", filename=name)
        message.attach(part)
    return message.as_bytes()
