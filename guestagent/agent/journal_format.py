"""The journal's content as it stands in its file. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields

from guestagent.agent.divergence import Anchor, Divergence, Sighting, SourceIdentity
from guestagent.agent.journal_state import Fingerprint, JournalState
from guestagent.database.state import Account
from guestagent.strict_json import UnreadableContent, get_list, get_number, get_rows, get_text

VERSION = 1


def dump_journal(memory: JournalState) -> dict[str, object]:
    """Return what the file holds of it."""
    # Not `asdict` of the whole: it copies every account deeply, for each step of a first pass that makes a thousand.
    content = {each.name: getattr(memory, each.name) for each in fields(memory)} | {
        "channel": None if memory.channel is None else asdict(memory.channel),
        "sighting": None if memory.sighting is None else asdict(memory.sighting),
        "anchor": None if memory.anchor is None else asdict(memory.anchor),
        "accounts": sorted([a.name, a.host] for a in memory.accounts),
        "retained": sorted([a.name, a.host, task] for a, task in memory.retained),
        "unfinished": sorted([a.name, a.host] for a in memory.unfinished),
        "given": sorted([a.name, a.host, known.salt, known.digest] for a, known in memory.given),
        "earlier": [{"task": task, "spent": spent} for task, spent in memory.earlier],
        "partings": [asdict(parting) for parting in sorted(memory.partings)],
    }
    return {"version": VERSION, **content}


def parse_journal(data: Mapping[str, object]) -> JournalState:
    """Return the memory of a file's content. Raises KeyError, TypeError or ValueError if it is no journal's."""
    channel = data["channel"]
    # An older agent's has no `retained`, no `given` and nothing below it.
    return JournalState(
        task=get_text(data, "task"),
        spent=get_number(data, "spent"),
        noted=get_number(data, "noted"),
        boot=get_text(data, "boot"),
        accounts=frozenset(Account(name, host) for name, host in get_rows(data, "accounts", 2)),
        channel=Fingerprint.parse(channel["salt"], channel["digest"]) if isinstance(channel, dict) else None,
        retained=frozenset(
            (Account(name, host), task) for name, host, task in get_rows(data, "retained", 3, [])
        ),
        given=frozenset(
            (Account(name, host), Fingerprint.parse(salt, digest))
            for name, host, salt, digest in get_rows(data, "given", 4, [])
        ),
        earlier=tuple(_read_earlier(row) for row in get_list(data, "earlier", [])),
        settled=data.get("settled", False) is True,
        partings=frozenset(_read_parting(row) for row in get_list(data, "partings", [])),
        sighting=None if data.get("sighting") is None else _read_sighting(data["sighting"]),
        anchor=None if data.get("anchor") is None else _read_anchor(data["anchor"]),
        unfinished=frozenset(Account(name, host) for name, host in get_rows(data, "unfinished", 2, [])),
    )


def _read_earlier(row: object) -> tuple[str, float]:
    if not isinstance(row, dict):
        raise UnreadableContent("earlier is not a list of objects")
    return get_text(row, "task"), get_number(row, "spent")


def _read_parting(row: object) -> Divergence:
    if not isinstance(row, dict):
        raise UnreadableContent("partings is not a list of objects")
    texts = {name: get_text(row, name) for name in ("errant", "lost", "replaced", "rejected", "history")}
    skipped = get_text(row, "skipped") if "skipped" in row else ""
    return Divergence(_read_source(row), accepted=row["accepted"] is True, skipped=skipped, **texts)


def _read_sighting(row: object) -> Sighting:
    if not isinstance(row, dict):
        raise UnreadableContent("sighting is no object")
    return Sighting(_read_source(row), get_text(row, "newest"))


def _read_anchor(row: object) -> Anchor:
    if not isinstance(row, dict):
        raise UnreadableContent("anchor is no object")
    started, resets = int(get_number(row, "started")), int(get_number(row, "resets"))
    return Anchor(_read_source(row), started, resets, get_text(row, "newest"))


def _read_source(row: Mapping[str, object]) -> SourceIdentity:
    source = row["source"]
    if not isinstance(source, dict):
        raise UnreadableContent("source is no object")
    return SourceIdentity(
        get_text(source, "address"), int(get_number(source, "port")), get_text(source, "uuid")
    )
