"""The free space on the disks of the agent and of the database server, and the data volume."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from guestagent.agent.doctor.finding import Finding, Topic
from guestagent.agent.doctor.probes import Probes
from guestagent.agent.volume_condition import VolumeObservation, judge_volume, judge_volume_unit
from guestagent.metadata.document import Section

DISK = Topic("disk")
FREE_BYTES_MINIMUM = 64 * 1024 * 1024  # bytes: with less, a server that is about to write has no room
LOW_SPACE_SHARE = 0.1  # of a file system
SPACE_ADVICE = "free space, or give the node a larger volume"


def check_disks(folders: dict[str, Path], probes: Probes) -> Iterator[Finding]:
    """Check the free space on the file system of each folder."""
    for name, folder in folders.items():
        try:
            space = probes.measure_disk_space(folder)
        except OSError as error:
            yield DISK.report_failure(name, f"{folder}: {error.strerror or error}")
            continue
        summary = f"{folder}: {space.free // 2**20} MiB of {space.total // 2**20} free"
        if space.free < FREE_BYTES_MINIMUM:
            yield DISK.report_failure(name, summary, SPACE_ADVICE)
        elif space.free < LOW_SPACE_SHARE * space.total:
            yield DISK.report_warning(name, summary, SPACE_ADVICE)
        else:
            yield DISK.report_ok(name, summary)


def check_volume(section: Section, observation: VolumeObservation) -> Iterator[Finding]:
    """Check the data volume, if the node has one or shall have one."""
    condition = judge_volume(section, observation)
    if condition is not None:
        yield Finding(DISK.name, condition)


def check_volume_unit(observation: VolumeObservation) -> Iterator[Finding]:
    """Check, without a document, whether the data volume is awaited, or could not be mounted."""
    condition = judge_volume_unit(observation)
    if condition is not None:
        yield Finding(DISK.name, condition)
