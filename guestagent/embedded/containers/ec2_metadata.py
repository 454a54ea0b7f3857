"""What Nova's metadata service answers in its Ec2 dialect. It has no metadata of the server. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

EC2_VERSIONS = ("1.0", "2009-04-04", "latest")


def build_instance_id(guest_id: str) -> str:
    """Return the id that Ec2 clients know the instance by, which is never the one of Nova."""
    return f"i-{hashlib.sha256(guest_id.encode()).hexdigest()[:8]}"


def find_content(path: Sequence[str], values: Mapping[str, str], user_data: bytes | None) -> bytes | None:
    """Return what is at the path below a version; None if there is nothing.

    `values` are by their path, such as `placement/availability-zone`.
    """
    if not path:
        return b"meta-data/\nuser-data" if user_data is not None else b"meta-data/"
    if path[0] == "user-data" and len(path) == 1:
        return user_data
    if path[0] != "meta-data":
        return None
    name = "/".join(path[1:])
    if name in values:
        return values[name].encode()
    return _list_names(name, values)


def _list_names(folder: str, values: Mapping[str, str]) -> bytes | None:
    """List a folder: its values, and its folders with a slash at the end."""
    prefix = f"{folder}/" if folder else ""
    below = [name.removeprefix(prefix) for name in values if name.startswith(prefix)]
    names = {name if "/" not in name else f"{name.split('/')[0]}/" for name in below}
    # A key is listed by its number and name alone, although its number is a folder.
    names -= {f"{name.split('=')[0]}/" for name in names if "=" in name}
    return "\n".join(sorted(names)).encode() if names else None
