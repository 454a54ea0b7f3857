"""Golden answers of `identity`."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from guestagent.agent.instance_check import InstanceCheck
from guestagent.agent.instance_identity import InstanceRecord
from guestagent.errors import StorageError
from tests.unit.golden.golden_file import golden
from tests.unit.golden.guest_files import COPIED_INSTANCE, INSTANCE
from tests.unit.golden.node_commands import run_node_command


def run_identity(folder: Path, record: InstanceRecord | None) -> str:
    """Run the command on a disk with this record, which is patched in: this machine may be an instance, too."""

    def settle_identity(check: InstanceCheck) -> InstanceRecord | None:
        return record

    with mock.patch.object(InstanceCheck, "settle_identity", settle_identity):
        return run_node_command(folder, "identity", "--json")


@golden("answers/identity/own.json")
def build_own(folder: Path) -> str:
    return run_identity(folder, INSTANCE)


@golden("answers/identity/copied.json")
def build_copied(folder: Path) -> str:
    return run_identity(folder, COPIED_INSTANCE)


@golden("answers/identity/none.json")
def build_none(folder: Path) -> str:
    return run_identity(folder, None)


@golden("answers/identity/error-unreadable.json")
def build_unreadable(folder: Path) -> str:
    def settle_identity(check: InstanceCheck) -> InstanceRecord | None:
        raise StorageError(
            "the instance id cannot be read: /var/lib/cloud/data/instance-id holds no instance id"
        )

    with mock.patch.object(InstanceCheck, "settle_identity", settle_identity):
        return run_node_command(folder, "identity", "--json")
