"""A wanted cluster as the store keeps it: one JSON document, read as strictly as an order. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from guestagent.controller.seed import NodeSeed
from guestagent.resources.following import dump_following, load_admissions, load_followed
from guestagent.resources.rule import Rule, RuleShape, dump_rule
from guestagent.resources.store.unreadable_record import UnreadableRecord
from guestagent.resources.wanted import WantedCluster, WantedInstance, WantedVolume
from guestagent.validation import Problems

WANTED_VERSION = 3
CLUSTERS_IN_MEMORY = 256
"""Each is read again and again: for every order that waits, in every round, and for its guests."""
INSTANCES_IN_MEMORY = 1000


def dump_wanted(wanted: WantedCluster) -> str:
    """Return the text that `load_wanted` reads as the same cluster; equal clusters have equal texts."""
    document = {
        "version": WANTED_VERSION,
        "name": wanted.name,
        "network": wanted.network,
        "subnet": wanted.subnet,
        "key_pair": wanted.key_pair,
        "instances": [_dump_instance(instance) for instance in wanted],
        "groups": {
            name: [dump_rule(rule) for rule in sorted(rules, key=lambda rule: rule.key)]
            for name, rules in wanted.groups.items()
        },
        "settings": wanted.settings,
        "key_id": wanted.key_id,
        "previous_keys": list(wanted.previous_keys),
        "is_rotating": wanted.is_rotating,
        "next_server_id": wanted.next_server_id,
        "next_replica": wanted.next_replica,
        **dump_following(wanted.admissions, wanted.followed),
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


@lru_cache(CLUSTERS_IN_MEMORY)
def load_wanted(text: str) -> WantedCluster:
    """Read the text. Raise UnreadableRecord if it is not one of ours, or if a newer version has written it."""
    try:
        document: dict[str, Any] = json.loads(text)
        if document["version"] > WANTED_VERSION:
            raise UnreadableRecord("the store was written by a newer guestagent: use that one")
        return _build_cluster(document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableRecord(
            f"the store holds a cluster that cannot be read ({type(error).__name__}); use the version that wrote it"
        ) from error


@lru_cache(INSTANCES_IN_MEMORY)
def _dump_instance(instance: WantedInstance) -> dict[str, Any]:
    return asdict(instance)


def _build_cluster(document: Mapping[str, Any]) -> WantedCluster:
    return WantedCluster(
        name=document["name"],
        network=document["network"],
        subnet=document["subnet"],
        key_pair=document["key_pair"],
        instances=tuple(_build_instance(instance) for instance in document["instances"]),
        groups={name: frozenset(map(_build_rule, rules)) for name, rules in document["groups"].items()},
        settings=document["settings"],
        key_id=document["key_id"],
        previous_keys=tuple(document.get("previous_keys", ())),
        is_rotating=document.get("is_rotating", False),
        next_server_id=document["next_server_id"],
        next_replica=document["next_replica"],
        admissions=load_admissions(document),
        followed=load_followed(document),
    )


def _build_instance(document: Mapping[str, Any]) -> WantedInstance:
    seed = document.get("seed")
    parts = {
        "volume": WantedVolume(**document["volume"]),
        "seed": None if seed is None else NodeSeed(**seed),
    }
    return WantedInstance(**{**document, **parts})


def _build_rule(document: object) -> Rule:
    rule = RuleShape().read(Problems().open_cursor(document))
    if rule is None:
        raise ValueError("a rule")
    return rule
