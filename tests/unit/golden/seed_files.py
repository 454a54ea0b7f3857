"""The files of a seed: the agent's request, and the worker's state."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.secret import Secret
from guestagent.seeding import DonorEndpoint, SeedFiles, SeedMethod, SeedPhase, SeedRequest, SeedState
from tests.unit.golden.stored_file import StoredFile

DONOR = DonorEndpoint(
    "10.0.0.7",
    3306,
    "donor0001",
    Secret("s3cret"),
    4444,
    "ab" * 32,
    "",
    requires_tls=True,
    verifies_name=False,
    certificate="-----BEGIN CERTIFICATE-----",
    key=Secret("-----BEGIN PRIVATE KEY-----"),
)
REQUEST = SeedRequest(
    "5f0c",
    SeedMethod.BACKUP,
    "mariadb",
    "Replica0001",
    "/run/mysqld/mysqld.sock",
    "/var/lib/mysql",
    DONOR,
    rate_limit=50,
    replaces_data=True,
)
MOVING = SeedState(
    "5f0c",
    SeedMethod.BACKUP,
    "/var/lib/mysql",
    SeedPhase.TRANSFERRING,
    bytes_done=1 << 30,
    bytes_total=3 << 30,
    rate=100 << 20,
    elapsed_s=12.5,
    moved_at_s=12.25,
    phase_seconds={"connecting": 1.5, "transferring": 11.0},
    attempts=2,
    failure="the donor is busy",
    resumed="going on with the seed that was cut while transferring",
    memo={"fresh": "/var/lib/guestagent-seed-5f0c"},
)
FAILED = SeedState(
    "5f0c", SeedMethod.CLONE, "/var/lib/mysql/", SeedPhase.FAILED, failure="no room", advice="a larger disk"
)


def list_seed_files() -> Iterator[tuple[str, StoredFile]]:
    yield (
        "seed/request.json",
        StoredFile(
            "seed/request.json",
            lambda folder: SeedFiles(folder).write_request(REQUEST),
            lambda folder: SeedFiles(folder).read_request(),
            REQUEST,
        ),
    )
    for name, state in (("moving", MOVING), ("failed", FAILED)):
        yield f"seed/state-{name}.json", build_state_file(state)


def build_state_file(state: SeedState) -> StoredFile:
    return StoredFile(
        "seed/state.json",
        lambda folder: SeedFiles(folder).write_state(state),
        lambda folder: SeedFiles(folder).read_state(),
        state,
    )
