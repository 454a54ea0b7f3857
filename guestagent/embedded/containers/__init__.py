"""Guests of the embedded cloud from an image's own tree: its systemd is PID 1, and its cloud-init configures it."""

from guestagent.embedded.containers.container_hypervisor import ContainerHypervisor
from guestagent.embedded.containers.guest_removal import sweep_guests
from guestagent.embedded.containers.image_tree import ImageTree, open_image_tree

__all__ = ["ContainerHypervisor", "ImageTree", "open_image_tree", "sweep_guests"]
