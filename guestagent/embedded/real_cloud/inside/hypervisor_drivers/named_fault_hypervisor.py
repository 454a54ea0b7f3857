"""Nova's own fake hypervisor, with the faults that a server asks for. Nova finds it below `nova.virt`.

If there are guests, the hypervisor outside boots them. All hosts share it, so a guest that moves stays where it is.
"""

import time
import uuid
from typing import Any

from hypervisor_calls import call_hypervisor, has_hypervisor
from named_faults import FLAVOR_FAULTS, find_faults, read_delay
from nova import exception
from nova.compute import task_states
from nova.virt import fake
from nova.virt.guest_description import describe_guest, describe_size, find_volume


class NamedFaultHypervisor(fake.MediumFakeDriver):
    """A host with much room. Spawning and the first half of a resize take as long as the server's name says."""

    vcpus, memory_mb, local_gb = 64, 262144, 20000

    def get_available_resource(self, nodename: str) -> Any:
        """Name the node by its host: Nova's fake names it anew in each process, and Nova refuses to start again."""
        resources = super().get_available_resource(nodename)
        if resources:
            resources["uuid"] = _build_node_id(nodename)
        return resources

    def get_nodenames_by_uuid(self, refresh: bool = False) -> dict[str, str]:
        return {_build_node_id(name): name for name in self.get_available_nodes()}

    def spawn(
        self,
        context: Any,
        instance: Any,
        image_meta: Any,
        injected_files: Any,
        admin_password: Any,
        allocations: Any,
        network_info: Any = None,
        block_device_info: Any = None,
        **kwargs: Any,
    ) -> None:
        _wait(instance)
        _fail(instance, "fail-spawn")
        if has_hypervisor():
            guest = describe_guest(instance, image_meta, injected_files, network_info, block_device_info)
            call_hypervisor("boot", guest=guest)
        parts = (image_meta, injected_files, admin_password, allocations, network_info, block_device_info)
        super().spawn(context, instance, *parts, **kwargs)

    def destroy(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
        """Destroy a server: the guest, too, unless it is a resize that is taken back, after which it goes on."""
        super().destroy(context, instance, *args, **kwargs)
        if instance.task_state != task_states.RESIZE_REVERTING:
            call_hypervisor("destroy", guest_id=instance.uuid)

    def migrate_disk_and_power_off(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> Any:
        _wait(instance)
        return super().migrate_disk_and_power_off(context, instance, *args, **kwargs)

    def finish_migration(
        self,
        context: Any,
        migration: Any,
        instance: Any,
        disk_info: Any,
        network_info: Any,
        image_meta: Any,
        resize_instance: Any,
        allocations: Any,
        block_device_info: Any = None,
        power_on: bool = True,
        share_info: Any = None,
    ) -> None:
        """Let the server be on this host, with its interfaces: Nova's fake forgets them, and none could be detached.

        Nova 26 knows no shares, and nothing here has one.
        """
        _fail(instance, "fail-resize")
        parts = (image_meta, None, None, allocations, network_info, block_device_info, power_on)
        super().spawn(context, instance, *parts)
        call_hypervisor("resize", guest_id=instance.uuid, size=describe_size(instance))

    def confirm_migration(self, context: Any, migration: Any, instance: Any, network_info: Any) -> None:
        """Forget the server on its old host. Its guest goes on."""
        super().destroy(context, instance, network_info)

    def finish_revert_migration(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
        super().finish_revert_migration(context, instance, *args, **kwargs)
        call_hypervisor("resize", guest_id=instance.uuid, size=describe_size(instance))

    def power_off(self, instance: Any, *args: Any, **kwargs: Any) -> None:
        _fail(instance, "fail-stop")
        super().power_off(instance, *args, **kwargs)
        call_hypervisor("cut_power", guest_id=instance.uuid)

    def power_on(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
        super().power_on(context, instance, *args, **kwargs)
        call_hypervisor("reboot", guest_id=instance.uuid)

    def reboot(
        self, context: Any, instance: Any, network_info: Any, reboot_type: str, *args: Any, **kwargs: Any
    ) -> None:
        """Reboot a server: also one that Nova's fake, in a process that was killed, has forgotten."""
        _fail(instance, "fail-reboot")
        if reboot_type == "HARD":
            call_hypervisor("cut_power", guest_id=instance.uuid)
        if instance.uuid not in self.instances:
            super().spawn(context, instance, instance.image_meta, None, None, None, network_info)
        self.power_on(context, instance, network_info)

    def attach_volume(
        self, context: Any, connection_info: Any, instance: Any, *args: Any, **kwargs: Any
    ) -> None:
        _fail(instance, "fail-attach")
        volume = find_volume(connection_info)
        call_hypervisor("attach_volume", guest_id=instance.uuid, volume_id=volume)
        super().attach_volume(context, connection_info, instance, *args, **kwargs)

    def detach_volume(
        self, context: Any, connection_info: Any, instance: Any, *args: Any, **kwargs: Any
    ) -> None:
        _fail(instance, "fail-detach")
        super().detach_volume(context, connection_info, instance, *args, **kwargs)
        volume = find_volume(connection_info)
        call_hypervisor("detach_volume", guest_id=instance.uuid, volume_id=volume)

    def extend_volume(self, context: Any, connection_info: Any, instance: Any, requested_size: int) -> None:
        _fail(instance, "fail-extend")
        volume = find_volume(connection_info)
        call_hypervisor("show_growth", guest_id=instance.uuid, volume_id=volume)

    def detach_interface(self, context: Any, instance: Any, vif: Any) -> None:
        """Detach an interface that a restart of Nova has let its fake forget, too."""
        self._interfaces.pop(vif["id"], None)


def _build_node_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def _find(instance: Any) -> str:
    flavor = instance.flavor.name if instance.flavor else None
    return str(find_faults(instance.display_name, flavor, FLAVOR_FAULTS))


def _wait(instance: Any) -> None:
    time.sleep(read_delay(_find(instance)))


def _fail(instance: Any, fault: str) -> None:
    if fault in _find(instance):
        raise exception.NovaException(f"{fault}, as the server's name or flavor asks")
