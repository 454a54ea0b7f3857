"""The marks in a template: which request has written it, and which store its data volumes are made for. Pure.

The first is in its description, whose text has no other meaning. Heat has no idempotency key. If the answer to a
request was lost, the stack's newest template shows whether it arrived. A client that knows nothing of marks removes it
with its next update, which is noticed by that.

The second outlives its stack, in the metadata of volumes that are kept. It is written when a volume is made, and never
later, not even when another store takes the stack. Heat would change the metadata in place; but it replaces a volume
whose update has failed by an empty one if Cinder does not show it at the next update.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guestagent.controller.template.volume_resources import STORE_KEY, VOLUME_TYPE

DESCRIPTION_KEYS = ("description", "Description")  # of HOT, and of CloudFormation
MARK_PATTERN = re.compile(
    r"\(store (?P<store>[0-9a-f-]+), cluster (?P<cluster>[0-9a-f-]+), "
    r"operation (?P<operation>[0-9a-f-]+), update (?P<number>[0-9]+)\)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateMark:
    """The store, the cluster and the operation that a template was written for: ids. `number` counts its updates."""

    store: str
    cluster: str
    operation: str
    number: int

    def __str__(self) -> str:
        return (
            f"(store {self.store}, cluster {self.cluster}, operation {self.operation}, update {self.number})"
        )


def mark_template(template: Mapping[str, Any], mark: TemplateMark) -> dict[str, Any]:
    """Return the template with the mark."""
    key = "Description" if "Description" in template else "description"
    return {**template, key: f"A guestagent cluster of the resource manager {mark}"}


def mark_new_volumes(template: Mapping[str, Any], store_id: str, present: object) -> dict[str, Any]:
    """Return the template with the store's id at each volume that `present`, the stack's template, does not have."""
    known = _get_resources(present)
    marked = {
        name: _mark_volume(resource, store_id)
        for name, resource in _get_resources(template).items()
        if resource.get("type") == VOLUME_TYPE and name not in known
    }
    return {**template, "resources": {**template["resources"], **marked}} if marked else dict(template)


def read_mark(template: object) -> TemplateMark | None:
    """Return the template's mark, or None."""
    if not isinstance(template, dict):
        return None
    for key in DESCRIPTION_KEYS:
        description = template.get(key)
        found = MARK_PATTERN.search(description) if isinstance(description, str) else None
        if found is not None:
            return TemplateMark(
                store=found["store"],
                cluster=found["cluster"],
                operation=found["operation"],
                number=int(found["number"]),
            )
    return None


def _get_resources(template: object) -> Mapping[str, Any]:
    """Return the resources of a template in HOT. One in CloudFormation makes no volumes."""
    resources = template.get("resources") if isinstance(template, dict) else None
    return resources if isinstance(resources, dict) else {}


def _mark_volume(resource: Mapping[str, Any], store_id: str) -> dict[str, Any]:
    properties = resource["properties"]
    metadata = {**properties["metadata"], STORE_KEY: store_id}
    return {**resource, "properties": {**properties, "metadata": metadata}}
