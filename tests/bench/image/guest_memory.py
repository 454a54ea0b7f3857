"""Memory of a guest's processes, with every page divided among the processes of this guest alone.

The kernel's own PSS divides a page among all processes of the machine. Containers of one tree share the pages of its
files, which virtual machines do not, so that PSS would be too small.
"""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
ENTRY_BYTES = 8
IS_PRESENT = 1 << 63
FRAME_BITS = (1 << 55) - 1
USER_SPACE_END = 1 << 47
ZERO_PAGE = 1 << 24  # in kpageflags; the kernel does not count it as memory of a process


def list_processes(init: int) -> list[int]:
    """List the processes of a guest by their numbers on this machine. `init` is its PID 1."""
    namespace = Path(f"/proc/{init}/ns/pid").stat().st_ino
    return [pid for pid in _list_numbers() if _read_namespace(pid) == namespace]


def measure_memory(processes: list[int]) -> dict[int, float]:
    """Return the bytes of each process, in which each page counts as one of its processes' share."""
    frames = {pid: set(_read_frames(pid)) for pid in processes}
    counts = Counter(frame for pages in frames.values() for frame in pages)
    zero_frames = set(_find_zero_frames(counts))
    return {
        pid: PAGE_BYTES * sum(1 / counts[frame] for frame in pages if frame not in zero_frames)
        for pid, pages in frames.items()
    }


def group_by_unit(values: Mapping[int, float]) -> dict[str, float]:
    """Sum the values of the processes of each unit of the guest's systemd."""
    sums: Counter[str] = Counter()
    for pid, value in values.items():
        sums[read_unit(pid)] += value  # type: ignore[assignment]
    return dict(sums)


def read_unit(pid: int) -> str:
    """Return the unit of a process; an empty text if it has none."""
    return parse_unit(Path(f"/proc/{pid}/cgroup").read_text())


def parse_unit(cgroups: str) -> str:
    """Parse /proc/PID/cgroup: the last unit in the path of systemd's own hierarchy."""
    for line in cgroups.splitlines():
        _, controllers, path = line.split(":", 2)
        units = [part for part in path.split("/") if part.endswith((".service", ".scope"))]
        if controllers in {"", "name=systemd"} and units:
            return units[-1]
    return ""


def _list_numbers() -> Iterator[int]:
    return (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())


def _read_namespace(pid: int) -> int:
    try:
        return Path(f"/proc/{pid}/ns/pid").stat().st_ino
    except OSError:  # it has ended
        return 0


def _read_frames(pid: int) -> Iterator[int]:
    """Yield the page frames of the process that are in memory."""
    with Path(f"/proc/{pid}/pagemap").open("rb", buffering=0) as pagemap:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            start, end = (int(word, 16) for word in line.split(" ", 1)[0].split("-"))
            if start < USER_SPACE_END:
                pagemap.seek(start // PAGE_BYTES * ENTRY_BYTES)
                entries = array("Q", pagemap.read((end - start) // PAGE_BYTES * ENTRY_BYTES))
                yield from (entry & FRAME_BITS for entry in entries if entry & IS_PRESENT)


def _find_zero_frames(frames: Counter[int]) -> Iterator[int]:
    with Path("/proc/kpageflags").open("rb", buffering=0) as kpageflags:
        for frame, count in frames.items():
            if count > 1:  # every process that has read untouched memory has the page
                kpageflags.seek(frame * ENTRY_BYTES)
                if int.from_bytes(kpageflags.read(ENTRY_BYTES), "little") & ZERO_PAGE:
                    yield frame
