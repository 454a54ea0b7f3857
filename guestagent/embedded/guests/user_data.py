"""A guest's user data: Heat's MIME multipart, or a bare script."""

from __future__ import annotations

import email
from dataclasses import dataclass
from email.message import Message

USER_SCRIPT_NAME = "cfn-userdata"
INIT_DATA_NAME = "cfn-init-data"
HEAT_PARTS = frozenset({"loguserdata.py", "boothook.sh", "part-handler.py"})


@dataclass(frozen=True, slots=True)
class UserData:
    """Scripts to execute in order, each with its file name, and the metadata that Heat put beside them."""

    scripts: tuple[tuple[str, bytes], ...] = ()
    init_data: bytes | None = None


def parse_user_data(user_data: bytes) -> UserData:
    """Parse user data. This never fails: what is neither a script nor a part of Heat's is ignored, as by cloud-init."""
    if user_data.startswith(b"#!"):
        return UserData(scripts=((USER_SCRIPT_NAME, user_data),))
    parts = tuple(_list_parts(user_data))
    return UserData(
        scripts=tuple(
            (name, content)
            for content_type, name, content in parts
            if _is_executed(content_type, name, content)
        ),
        init_data=next((content for _, name, content in parts if name == INIT_DATA_NAME), None),
    )


def _is_executed(content_type: str, name: str, content: bytes) -> bool:
    """Whether a part is executed. Heat's own scripts only run the user's, which is done here instead."""
    if name in HEAT_PARTS or not content.startswith(b"#!"):
        return False
    return name == USER_SCRIPT_NAME or content_type == "text/x-shellscript"


def _list_parts(user_data: bytes) -> list[tuple[str, str, bytes]]:
    message = email.message_from_bytes(user_data)
    if not message.is_multipart():
        return []
    return [
        (part.get_content_type(), _build_file_name(part, number), _decode_content(part))
        for number, part in enumerate(message.walk())
        if not part.is_multipart()
    ]


def _build_file_name(part: Message, number: int) -> str:
    """Build a part's file name as one path segment. A nameless part gets its number, as with cloud-init."""
    name = (part.get_filename() or "").rpartition("/")[2]
    return name if name not in ("", ".", "..") else f"part-{number:03d}"


def _decode_content(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""
