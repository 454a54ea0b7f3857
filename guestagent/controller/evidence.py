"""Reads the data of a node's signal from its wait condition. Pure."""

from __future__ import annotations

from guestagent.controller.heat_api import Resource
from guestagent.strict_json import UnreadableContent, parse_json


def read_evidence(condition: Resource) -> object:
    """Read the data of the node's signal. Heat keeps a JSON text for every UniqueId, and a node has one."""
    attributes = condition.attributes
    data = _load_json(attributes.get("Data", attributes.get("data")))  # CFN and HOT spell it differently
    signals = [_load_json(value) for value in data.values()] if isinstance(data, dict) else []
    return signals[0] if signals else None


def _load_json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except UnreadableContent:
        return value
