"""The format of the journal's file. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from guestagent.agent.anchor import Anchor
from guestagent.agent.divergence import Divergence, Sighting, SourceIdentity
from guestagent.agent.donor_record import DonorEntry, DonorRecord
from guestagent.agent.journal_state import Fingerprint, JournalState
from guestagent.agent.seed_record import parse_seed_record
from guestagent.database.state import Account
from guestagent.strict_json import UnreadableContent, get_list, get_number, get_rows, get_text

VERSION = 1


def dump_journal(state: JournalState) -> dict[str, object]:
    """Return the content of the file."""
    # Not `asdict` of the whole: it deep-copies every account, for each step of a first pass that creates a thousand.
    return {
        "version": VERSION,
        "task": state.task,
        "spent": state.elapsed_s,
        "noted": state.measured_at,
        "boot": state.boot_id,
        "accounts": sorted([account.name, account.host] for account in state.accounts),
        "channel": None if state.channel is None else asdict(state.channel),
        "retained": sorted([account.name, account.host, task] for account, task in state.retained_passwords),
        "given": sorted(
            [account.name, account.host, fingerprint.salt, fingerprint.digest]
            for account, fingerprint in state.password_fingerprints
        ),
        "earlier": [{"task": task, "spent": elapsed_s} for task, elapsed_s in state.superseded_tasks],
        "settled": state.has_outcome,
        "partings": [asdict(divergence) for divergence in sorted(state.divergences)],
        "sighting": None if state.sighting is None else asdict(state.sighting),
        "anchor": None if state.anchor is None else asdict(state.anchor),
        "unfinished": sorted([account.name, account.host] for account in state.unfinished),
        "seed": None if state.seed is None else state.seed.as_json(),
        "donors": [
            {
                "node": each.entry.node,
                "user": each.entry.user,
                "over": each.is_over,
                "waited": each.has_waited,
                "age": each.age_s,
            }
            for each in state.donors
        ],
        "donors_measured_at": None if state.donors_measured_at is None else list(state.donors_measured_at),
    }


def parse_journal(data: Mapping[str, object]) -> JournalState:
    """Return the journal of a file's content. Raises KeyError, TypeError or ValueError if it is invalid."""
    channel = data["channel"]
    # A journal of an older version has no `retained`, no `given` and none of the keys below it.
    return JournalState(
        task=get_text(data, "task"),
        elapsed_s=get_number(data, "spent"),
        measured_at=get_number(data, "noted"),
        boot_id=get_text(data, "boot"),
        accounts=frozenset(Account(name, host) for name, host in get_rows(data, "accounts", 2)),
        channel=Fingerprint.parse(channel["salt"], channel["digest"]) if isinstance(channel, dict) else None,
        retained_passwords=frozenset(
            (Account(name, host), task) for name, host, task in get_rows(data, "retained", 3, [])
        ),
        password_fingerprints=frozenset(
            (Account(name, host), Fingerprint.parse(salt, digest))
            for name, host, salt, digest in get_rows(data, "given", 4, [])
        ),
        superseded_tasks=tuple(_read_superseded_task(row) for row in get_list(data, "earlier", [])),
        has_outcome=data.get("settled", False) is True,
        divergences=frozenset(_read_divergence(row) for row in get_list(data, "partings", [])),
        sighting=None if data.get("sighting") is None else _read_sighting(data["sighting"]),
        anchor=None if data.get("anchor") is None else _read_anchor(data["anchor"]),
        unfinished=frozenset(Account(name, host) for name, host in get_rows(data, "unfinished", 2, [])),
        seed=None if data.get("seed") is None else parse_seed_record(data["seed"]),
        donors=tuple(_read_donor(row) for row in get_list(data, "donors", [])),
        donors_measured_at=_read_measurement(data.get("donors_measured_at")),
    )


def _read_superseded_task(row: object) -> tuple[str, float]:
    if not isinstance(row, dict):
        raise UnreadableContent("earlier is not a list of objects")
    return get_text(row, "task"), get_number(row, "spent")


def _read_donor(row: object) -> DonorRecord:
    if not isinstance(row, dict):
        raise UnreadableContent("donors is not a list of objects")
    return DonorRecord(
        DonorEntry(get_text(row, "node"), get_text(row, "user")),
        is_over=row["over"] is True,
        has_waited=row.get("waited", True) is True,
        age_s=get_number(row, "age") if "age" in row else 0.0,
    )


def _read_measurement(value: object) -> tuple[str, float] | None:
    match value:
        case None:
            return None
        case [str(boot_id), float() | int() as time]:
            return boot_id, float(time)
    raise UnreadableContent("donors_measured_at is not a boot and a time")


def _read_divergence(row: object) -> Divergence:
    if not isinstance(row, dict):
        raise UnreadableContent("partings is not a list of objects")
    texts = {name: get_text(row, name) for name in ("errant", "lost", "replaced", "rejected", "history")}
    # Journals of older versions lack these.
    texts |= {name: get_text(row, name) for name in ("skipped", "uncompared") if name in row}
    return Divergence(_read_source(row), accepted=row["accepted"] is True, **texts)


def _read_sighting(row: object) -> Sighting:
    if not isinstance(row, dict):
        raise UnreadableContent("sighting is not an object")
    return Sighting(_read_source(row), get_text(row, "newest"))


def _read_anchor(row: object) -> Anchor:
    if not isinstance(row, dict):
        raise UnreadableContent("anchor is not an object")
    started, resets = int(get_number(row, "started")), int(get_number(row, "resets"))
    return Anchor(
        _read_source(row),
        started,
        resets,
        get_text(row, "newest"),
        # A journal of an older version has none of the keys below.
        connections=int(get_number(row, "connections")) if "connections" in row else 0,
        accepted=tuple(_read_accepted_time(each) for each in get_list(row, "accepted", [])),
        uncompared=get_text(row, "uncompared") if "uncompared" in row else "",
    )


def _read_accepted_time(row: object) -> tuple[str, int]:
    match row:
        case [str() as gtid, int() as time]:
            return gtid, time
    raise UnreadableContent("accepted is not a list of GTIDs and times")


def _read_source(row: Mapping[str, object]) -> SourceIdentity:
    source = row["source"]
    if not isinstance(source, dict):
        raise UnreadableContent("source is not an object")
    return SourceIdentity(
        get_text(source, "address"), int(get_number(source, "port")), get_text(source, "uuid")
    )
