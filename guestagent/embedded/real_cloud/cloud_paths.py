"""Folders and files of one run of a real cloud. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from guestagent.embedded.real_heat.paths import RunPaths

STATE_FOLDERS = (
    *(f"{service}/lock" for service in ("nova", "cinder", "neutron", "glance")),
    *("cinder/coordination", "glance/images", "glance/staging", "glance/tasks"),
)


@dataclass(frozen=True, slots=True)
class CloudPaths(RunPaths):
    """The folders of one run: those of Keystone and Heat, and more."""

    @property
    def plugin_metadata(self) -> Path:
        """The folder that tells Neutron which plugins are beside it."""
        return self.scripts / "guestagent_cloud-1.0.dist-info"

    @property
    def hypervisor_socket(self) -> Path:
        """Where the drivers reach the hypervisor."""
        return self.folder / "hypervisor.sock"

    @property
    def state_folders(self) -> tuple[Path, ...]:
        """More folders to create before anything starts."""
        return (self.plugin_metadata, *(self.folder / name for name in STATE_FOLDERS))
