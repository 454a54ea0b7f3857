"""Measures each method beside its floor on one source, several times in turn."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from guestagent.embedded.database_servers import FLAVOURS, Flavour
from tests.bench.seed.bench_link import open_bench_link
from tests.bench.seed.bench_source import MIB, BenchSource, open_source
from tests.bench.seed.contestants import METHODS, SEEDS, Contestant, prepare_source, run_floor
from tests.bench.seed.seed_run import SeedRun
from tests.support.certificates import CertificateAuthority


@dataclass(frozen=True, slots=True)
class SeedRow:
    """A method on one server: the seeds, and the floors that were measured in turn with them."""

    flavour: str
    method: str
    seeds: tuple[SeedRun, ...]
    floors: tuple[SeedRun, ...]

    @property
    def rate_ratio(self) -> float:
        """The rate of the seeds' transfer, of the floors'."""
        return median(run.rate for run in self.seeds) / median(run.rate for run in self.floors)

    @property
    def wire_ratio(self) -> float:
        return median(run.wire_bytes for run in self.seeds) / median(run.wire_bytes for run in self.floors)

    @property
    def added_stall_s(self) -> float:
        """The writer's longest stall during any seed, less that during any floor."""
        return max(run.stall_s for run in self.seeds) - max(run.stall_s for run in self.floors)


def measure_seeds(
    flavours: Sequence[str], mebibytes: int, repetitions: int, report: Callable[[str], None]
) -> list[SeedRow]:
    """Measure on each server. Everything is removed afterwards."""
    rows = []
    for name in flavours:
        with (
            tempfile.TemporaryDirectory(prefix="guestagent-bench-seed-") as folder,
            open_bench_link() as link,
        ):
            report(f"{name}: filling a source with {mebibytes} MiB")
            with open_source(Path(folder), FLAVOURS[name], link, mebibytes) as source:
                rows.append(measure_method(source, Path(folder), repetitions, report))
    return rows


def measure_method(
    source: BenchSource, folder: Path, repetitions: int, report: Callable[[str], None]
) -> SeedRow:
    """Begin each repetition with the other contestant, so that what goes on in the machine affects both alike."""
    flavour: Flavour = source.server.flavour
    method = METHODS[flavour.family]
    prepare_source(source)
    (folder / "ca").mkdir()
    authority = CertificateAuthority(folder / "ca")
    contestants: list[tuple[str, Contestant]] = [("floor", run_floor), (method, SEEDS[method])]
    runs: dict[str, list[SeedRun]] = {kind: [] for kind, _ in contestants}
    for number in range(repetitions):
        for kind, contestant in contestants[:: -1 if number % 2 else 1]:
            place = folder / f"{kind}{number}"
            place.mkdir()
            run = contestant(source, place, authority)
            shutil.rmtree(place)
            runs[kind].append(run)
            report(
                f"{flavour.name}, {kind}: {run.total_s:.1f} s, transfer {run.transfer_s:.1f} s"
                f" ({run.rate / MIB:.0f} MiB/s), longest stall {run.stall_s:.2f} s"
            )
    return SeedRow(flavour.name, method, tuple(runs[method]), tuple(runs["floor"]))
