"""What the endpoint answers, before it is HTTP. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """A status and a JSON body. A document has passwords in it."""

    status: int
    body: bytes = field(repr=False)
