"""The server's own metadata: what a node must know of its data volume before its document arrives. Pure.

Nova passes it with the server (`metadata` of OS::Nova::Server, `Tags` of AWS::EC2::Instance), so that cloud-init has it
before the database server starts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from guestagent.errors import InvalidMetadata, Problem
from guestagent.metadata.document import DataVolume, UnresolvedFunction
from guestagent.metadata.schema_types import Key, MappingShape
from guestagent.metadata.seeding_shape import NODE
from guestagent.metadata.volume_shape import VOLUME
from guestagent.metadata.writer import dump_volume
from guestagent.strict_json import UnreadableContent, parse_json
from guestagent.validation import Problems

VOLUME_KEY = "guestagent_volume"
VALUE_LENGTH_LIMIT = 255
"""Nova's limit for a value of a server's metadata."""


@dataclass(frozen=True, slots=True)
class VolumeDeclaration:
    """The volume of a server, and whose it is: `cluster` and `node` are "" if the metadata does not name them."""

    volume: DataVolume
    cluster: str = ""
    node: str = ""

    @property
    def volume_id(self) -> str:
        """The id, which Heat has resolved: a server's metadata holds no template function."""
        assert not isinstance(self.volume.id, UnresolvedFunction)
        return self.volume.id


def _build_declaration(*, cluster: str = "", node: str = "", **volume: Any) -> VolumeDeclaration:
    return VolumeDeclaration(DataVolume(**volume), cluster, node)


DECLARATION = MappingShape(
    _build_declaration,
    {
        **VOLUME.keys,
        "Cluster": Key("cluster", NODE, "the name of the cluster"),
        "Node": Key("node", NODE, "the node's name in its stack"),
    },
)


def parse_volume_declaration(value: object, where: str = "") -> VolumeDeclaration:
    """Parse the value of `guestagent_volume`: a JSON text as Nova has it, or a mapping as NoCloud may have it.

    Raise InvalidMetadata with all problems.
    """
    problems = Problems()
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except UnreadableContent as error:
            raise InvalidMetadata([Problem(VOLUME_KEY, "a JSON text", str(error))], where) from None
    declaration = DECLARATION.read(problems.open_cursor(value, VOLUME_KEY))
    if declaration is not None and isinstance(declaration.volume.id, UnresolvedFunction):
        problems.add(f"{VOLUME_KEY}.Id", "a value", f"the template function {declaration.volume.id}")
    problems.raise_if_any(InvalidMetadata, where)
    assert declaration is not None
    return declaration


def format_volume_declaration(declaration: VolumeDeclaration) -> str:
    """Return the value of `guestagent_volume`. Raise InvalidMetadata if Nova would reject it as too long."""
    owner = {"Cluster": declaration.cluster, "Node": declaration.node}
    names = {key: name for key, name in owner.items() if name}
    text = json.dumps({**dump_volume(declaration.volume), **names}, separators=(",", ":"))
    if len(text) > VALUE_LENGTH_LIMIT:
        expected = f"at most {VALUE_LENGTH_LIMIT} characters, Nova's limit"
        raise InvalidMetadata(
            [Problem(VOLUME_KEY, expected, str(len(text)), "leave out the names of cluster and node")]
        )
    return text
