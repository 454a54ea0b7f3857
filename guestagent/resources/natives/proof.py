"""Whether an instance has proved itself in its present generation, and how long to wait for it. Pure."""

from __future__ import annotations

from guestagent.byte_units import GIB, MIB
from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.signal_evidence import read_evidence, read_guest_volume_bytes
from guestagent.resources.natives.steps import FailOperation, Waiting
from guestagent.resources.operation import RefusalCode
from guestagent.resources.store.records import SignalEntry
from guestagent.resources.wanted import WantedInstance

PROOF_PAUSE_S = 5.0
SIZE_TOLERANCE_BYTES = 64 * MIB
"""What encryption and the file system itself may take of a volume; a growth is at least 1 GiB."""


def find_missing_proof(
    view: ClusterView, instance: WantedInstance, since: float
) -> Waiting | FailOperation | None:
    """Return None if the instance has proved itself, and otherwise whether to wait for it, from `since` on."""
    signal = view.find_signal(instance)
    if signal is not None and signal.is_success:
        return None
    if signal is not None:
        return FailOperation(
            RefusalCode.REFUSED, f"{instance.name}: {signal.reason or 'FAILURE without a reason'}"
        )
    if view.now > since + instance.proof_deadline_s:
        message = f"{instance.name} did not prove itself within {instance.proof_deadline_s} s"
        return FailOperation(RefusalCode.DEADLINE, message)
    return Waiting(f"{instance.name} has not proved itself yet", PROOF_PAUSE_S)


def has_file_system_of(signal: SignalEntry, size_gib: int) -> bool:
    """Return whether the evidence in a signal has a file system of this size on the data volume."""
    size_bytes = read_guest_volume_bytes(read_evidence(signal))
    return size_bytes is not None and size_bytes + SIZE_TOLERANCE_BYTES >= size_gib * GIB
