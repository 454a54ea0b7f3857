"""The template on docs/how-to/data-volume.md describes a node that accepts its volume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from guestagent.agent.model import ConditionState
from guestagent.agent.volume_condition import VolumeObservation, judge_volume
from guestagent.byte_units import GIB
from guestagent.metadata import parse
from guestagent.metadata.server_metadata import VOLUME_KEY, parse_volume_declaration
from guestagent.volume import VolumeResult, VolumeState
from tests.support.page_commands import read_files
from tests.support.signal_handles import URL

PAGE = Path(__file__).parents[2] / "docs/how-to/data-volume.md"
VOLUME_ID = "3e9f5b0c-64d1-4c1e-9a55-0c6a3e2f7d18"
FUNCTIONS = {'{"get_resource":"data"}': VOLUME_ID, '{"get_attr":["handle","signal"]}': URL}


def resolve_functions(value: Any) -> Any:
    """Put the values in place of functions, as Heat does."""
    text = json.dumps(value, separators=(",", ":"))
    for function, result in FUNCTIONS.items():
        text = text.replace(function, json.dumps(result))
    return json.loads(text)


def test_the_node_of_the_page_accepts_its_volume() -> None:
    resources = yaml.safe_load(read_files(PAGE.read_text())["shop.yaml"])["resources"]
    server = resolve_functions(resources["Master0000"])
    # Heat passes a mapping in a server's metadata to Nova as JSON text.
    declaration = parse_volume_declaration(json.dumps(server["properties"]["metadata"][VOLUME_KEY]))
    document = parse(server["metadata"])
    size = declaration.volume.size_gib * GIB
    state = VolumeState(
        VolumeResult.MOUNTED, declaration=declaration, device="vdb", device_bytes=size, file_system_bytes=size
    )

    condition = judge_volume(
        document.section, VolumeObservation(state, device_bytes=state.device_bytes, has_data=True)
    )

    assert condition is not None
    assert condition.state is ConditionState.HELD, condition
    assert resources["data"]["properties"]["size"] == declaration.volume.size_gib
