"""A Cinder backend with the faults that a volume asks for. Its disks, if any, are the hypervisor's."""

import time
from typing import Any

from cinder import exception, interface
from cinder.volume import driver
from hypervisor_calls import call_hypervisor
from named_faults import VOLUME_TYPE_FAULTS, find_faults, read_delay

CAPACITY_GB = 10000
BACKEND = "guestagent"


@interface.volumedriver
class NamedFaultVolumeDriver(driver.VolumeDriver):
    """Volumes of which the hypervisor has the content. A snapshot has none."""

    VERSION, CI_WIKI_NAME = "1.0", "none"

    def do_setup(self, context: Any) -> None:
        """Nothing to set up."""

    def check_for_setup_error(self) -> None:
        """Nothing that could be wrong."""

    def create_volume(self, volume: Any) -> None:
        _obey(volume, "fail-create")
        call_hypervisor("create_volume", volume_id=volume.id, size_gib=volume.size)

    def create_volume_from_snapshot(self, volume: Any, snapshot: Any) -> None:
        self.create_volume(volume)

    def create_cloned_volume(self, volume: Any, src_vref: Any) -> None:
        self.create_volume(volume)

    def delete_volume(self, volume: Any) -> None:
        _obey(volume, "fail-delete")
        call_hypervisor("delete_volume", volume_id=volume.id)

    def extend_volume(self, volume: Any, new_size: int) -> None:
        _obey(volume, "fail-extend")
        call_hypervisor("extend_volume", volume_id=volume.id, size_gib=new_size)

    def initialize_connection(self, volume: Any, connector: Any, **kwargs: Any) -> dict[str, Any]:
        _obey(volume, "fail-attach")
        return {"driver_volume_type": BACKEND, "data": {"access_mode": "rw", "volume_id": volume.id}}

    def terminate_connection(self, volume: Any, connector: Any, **kwargs: Any) -> None:
        """Nothing is connected."""

    def create_snapshot(self, snapshot: Any) -> None:
        """A row is enough."""

    def delete_snapshot(self, snapshot: Any) -> None:
        """A row is enough."""

    def copy_image_to_volume(self, context: Any, volume: Any, *args: Any, **kwargs: Any) -> None:
        """There is no disk to copy to."""

    def clone_image(self, context: Any, volume: Any, *args: Any) -> tuple[dict[str, Any], bool]:
        return {}, True

    def ensure_export(self, context: Any, volume: Any) -> None:
        """Nothing is exported."""

    def create_export(self, context: Any, volume: Any, connector: Any) -> None:
        """Nothing is exported."""

    def remove_export(self, context: Any, volume: Any) -> None:
        """Nothing is exported."""

    def create_export_snapshot(self, context: Any, snapshot: Any, connector: Any) -> None:
        """Nothing is exported."""

    def remove_export_snapshot(self, context: Any, snapshot: Any) -> None:
        """Nothing is exported."""

    def get_volume_stats(self, refresh: bool = False) -> dict[str, Any]:
        pool = {
            "pool_name": BACKEND,
            "total_capacity_gb": CAPACITY_GB,
            "free_capacity_gb": CAPACITY_GB,
            "provisioned_capacity_gb": 0,
            "allocated_capacity_gb": 0,
            "reserved_percentage": 0,
            "thin_provisioning_support": True,
            "max_over_subscription_ratio": 1.0,
            "multiattach": True,
            "online_extend_support": True,
        }
        return {
            "volume_backend_name": BACKEND,
            "vendor_name": BACKEND,
            "driver_version": self.VERSION,
            "storage_protocol": BACKEND,
            "pools": [pool],
        }


def _obey(volume: Any, fault: str) -> None:
    """Take the time that the volume asks for, and fail if it asks for it by its name or its type."""
    kind = volume.volume_type.name if volume.volume_type_id else None
    faults = find_faults(volume.display_name, kind, VOLUME_TYPE_FAULTS)
    time.sleep(read_delay(faults))
    if fault in faults:
        raise exception.VolumeBackendAPIException(data=f"{fault}, as the volume's name or type asks")
