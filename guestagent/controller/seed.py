"""How a joining replica gets its data, as a part of its cluster: the donor, the expected size and time. Pure."""

from __future__ import annotations

import math
from base64 import b64decode
from dataclasses import dataclass, replace
from hashlib import sha256

from guestagent.byte_units import MIB
from guestagent.controller.dialect import Dialect
from guestagent.errors import InvalidCluster, Problem
from guestagent.metadata.limits import CONDITION_TIMEOUT_LIMIT_S
from guestagent.metadata.seed_rates import COPY_RATE, REPLAY_RATE

DUMP_RATE = 10 * MIB
COPY_OVERHEAD_S = 30
"""Seconds of a copy that do not depend on its size: restarts and preparation."""
ALLOWANCE_FACTOR = 3
"""A slower disk or network than those of the rates must not fail a seed."""
MIN_ALLOWANCE_S = 300
DONOR_KEY = "DonorKey"
"""The parameter with the private key of the donor's port. A template never contains the key."""


@dataclass(frozen=True, slots=True)
class SeedSettings:
    """How replicas that join a cluster get their data. `method` as in GuestAgent.Seeding, `rate_limit` in MiB/s.

    `deadline`: seconds that a seed may take; None: several times the expected ones.
    """

    method: str = "auto"
    rate_limit: int | None = None
    deadline: int | None = None


@dataclass(frozen=True, slots=True)
class SourceSize:
    """Bytes of a source's data and of its binary logs, None if they are unknown. `family`: "" if unknown.

    `is_measured`: the source's agent measured them when it signalled, at the time `measured_at` (ISO 8601, "" if
    unknown). Since then the data may have grown, up to `disk_bytes`, the size of their file system.
    """

    data_bytes: int | None = None
    log_bytes: int | None = None
    family: str = ""
    is_measured: bool = False
    disk_bytes: int | None = None
    measured_at: str = ""


UNKNOWN_SIZE = SourceSize()
DEFAULT_SEEDING = SeedSettings()


@dataclass(frozen=True, slots=True)
class NodeSeed:
    """The seed of a replica in its present generation. `deadline`: seconds that it may take.

    `number` is that of the donor account's password. None: the seed is over, and the source has no account for it any
    more. The rest stays until the next generation, because Heat must not get another Timeout for a condition that
    exists. `is_reseed`: the replica's data are replaced; `discards_data`: they need not be kept until then.
    """

    deadline: int
    number: int | None
    data_bytes: int | None = None
    log_bytes: int | None = None
    is_reseed: bool = False
    discards_data: bool = False

    @property
    def is_over(self) -> bool:
        return self.number is None

    def end(self) -> NodeSeed:
        """Return the seed when it is over."""
        return replace(self, number=None, is_reseed=False, discards_data=False)


@dataclass(frozen=True, slots=True)
class SeedClock:
    """What limits a seed's time: `base_s`, the condition's timeout without a seed, and the life of a signed URL."""

    base_s: int
    auth_ttl: int
    dialect: Dialect

    @property
    def limit_s(self) -> int:
        """The longest time for a seed. In HOT a node with a long one signals with a login that does not expire."""
        latest = CONDITION_TIMEOUT_LIMIT_S
        if self.dialect is Dialect.CFN:
            latest = min(latest, self.auth_ttl - 1)
        return latest - self.base_s


def plan_seed(seed: NodeSeed, clock: SeedClock, settings: SeedSettings, size: SourceSize) -> NodeSeed | None:
    """Return the seed with the time for data of this size; None if there is no time, and the size is unknown.

    A size that was measured allows for a full disk, as far as Heat's clocks do: a large import since then must not make
    the seed fail. Raise InvalidCluster if Heat's clocks do not allow the time that the data need.
    """
    needed_s = compute_needed_seconds(settings, size)
    if needed_s > clock.limit_s:
        raise InvalidCluster([_describe_short_clock(clock, needed_s)])
    deadline = choose_seed_deadline(settings, size, clock.limit_s)
    if deadline <= 0:
        return None
    return replace(seed, deadline=deadline, data_bytes=size.data_bytes, log_bytes=size.log_bytes)


def compute_needed_seconds(settings: SeedSettings, size: SourceSize) -> int:
    """Compute the time that a seed of this size has to get at least."""
    return settings.deadline or math.ceil(ALLOWANCE_FACTOR * (estimate_seconds(settings, size) or 0))


def choose_seed_deadline(settings: SeedSettings, size: SourceSize, limit_s: int) -> int:
    """Choose the time of a seed. One that was measured allows for a full disk, up to `limit_s`."""
    growth_s = _compute_growth_allowance(settings, size) if size.is_measured else 0
    needed_s = compute_needed_seconds(settings, size)
    return settings.deadline or int(min(max(needed_s, growth_s, MIN_ALLOWANCE_S), limit_s))


def plan_reseed(
    generation: int, clock: SeedClock, settings: SeedSettings, size: SourceSize, *, discard: bool
) -> NodeSeed:
    """Plan the replacement of a replica's data in this generation. Raise InvalidCluster if there can be none."""
    if settings.method == "replay":
        do = "binary logs cannot replace data"
        raise InvalidCluster([Problem("seeding.method", "a method that copies data", "replay", do)])
    seed = plan_seed(NodeSeed(1, generation, is_reseed=True, discards_data=discard), clock, settings, size)
    if seed is None:
        raise InvalidCluster([_describe_short_clock(clock, 1)])
    return seed


def estimate_seconds(settings: SeedSettings, size: SourceSize) -> float | None:
    """Estimate the time of a copy, or of a replay if that is known to be faster; None if the size is unknown."""
    if size.data_bytes is None:
        return None
    rate = DUMP_RATE if settings.method == "dump" else COPY_RATE
    if settings.rate_limit is not None:
        rate = min(rate, settings.rate_limit * MIB)
    copy_s = COPY_OVERHEAD_S + size.data_bytes / rate
    if settings.method != "auto" or size.log_bytes is None:
        return copy_s
    return min(copy_s, size.log_bytes / REPLAY_RATE)


def _compute_growth_allowance(settings: SeedSettings, size: SourceSize) -> float:
    """Compute the time for data that have grown until their disk is full."""
    if size.disk_bytes is None:
        return math.inf
    full = SourceSize(max(size.disk_bytes, size.data_bytes or 0))
    return math.ceil(ALLOWANCE_FACTOR * (estimate_seconds(settings, full) or 0))


def estimate_node_seconds(settings: SeedSettings, seed: NodeSeed | None) -> float | None:
    """Estimate the time of a seed that is going on; None if there is none, or if its size is unknown."""
    if seed is None or seed.is_over:
        return None
    log_bytes = None if seed.is_reseed else seed.log_bytes
    return estimate_seconds(settings, SourceSize(seed.data_bytes, log_bytes))


def compute_fingerprint(certificate: str) -> str:
    """Compute the SHA-256 of a certificate's DER form, in hex."""
    lines = certificate.strip().splitlines()
    return sha256(b64decode("".join(lines[1:-1]))).hexdigest()


def _describe_short_clock(clock: SeedClock, needed_s: int) -> Problem:
    expected = f"a seed of at most {max(clock.limit_s, 0)} s"
    found = f"{needed_s} s, beside the {clock.base_s} s of boot_allowance and deadline"
    if clock.dialect is Dialect.CFN and clock.base_s + needed_s <= CONDITION_TIMEOUT_LIMIT_S:
        expected += f", because a signed URL expires after auth_ttl, {clock.auth_ttl} s"
        do = (
            "nodes of a cluster in hot can signal with a login that does not expire; in cfn a larger auth_ttl is "
            "needed, in Keystone and in the template, or a shorter seeding.deadline"
        )
    else:
        expected += f", because Heat waits at most {CONDITION_TIMEOUT_LIMIT_S} s for a node"
        do = "raise seeding.rate_limit, or set seeding.deadline if you know that it takes less"
    return Problem("seeding.deadline", expected, found, do)
