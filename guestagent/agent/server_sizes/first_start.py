"""Sizes in the image's option file before the first start of a server, which need no change while it runs. Pure."""

from __future__ import annotations

from guestagent.agent.server_sizes.option_file_text import HEADER, parse_option_file, render_setting
from guestagent.agent.server_sizes.size_settings import compute_size_settings
from guestagent.agent.server_sizes.sizing import HostResources

OPTIONAL_PREFIX = "loose_"
OPTIONAL_VARIABLES = frozenset({"innodb_redo_log_capacity"})
"""Variables that an older server does not know. With this prefix it starts all the same."""

LATEST_VERSION = (999,)
"""The version of a server that has not started is not known."""

SIZES_HEADER = """
# The sizes for this machine, from its first boot. The agent replaces this file at its first pass.
"""


def find_log_index(text: str) -> str | None:
    """Find the name of the binary log's index, which a server makes at its first start; None if there is no log."""
    name = parse_option_file(text).get("log_bin")
    return f"{name}.index" if name else None


def add_sizes(text: str, family: str, resources: HostResources) -> str | None:
    """Add the sizes for this machine to the image's option file; None if the agent or a person has set any."""
    present_names = {name.removeprefix(OPTIONAL_PREFIX) for name in parse_option_file(text)}
    sizes = tuple(compute_size_settings(resources, family, LATEST_VERSION))
    if text.startswith(HEADER) or present_names & {each.name for each in sizes}:
        return None
    lines = (render_setting(_make_optional(each.name), each.value, each.reason) for each in sizes)
    return text + SIZES_HEADER + "".join(lines)


def _make_optional(name: str) -> str:
    return f"{OPTIONAL_PREFIX}{name}" if name in OPTIONAL_VARIABLES else name
