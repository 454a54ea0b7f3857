"""Guests of the embedded cloud from an image's own tree: its systemd is PID 1, and its cloud-init configures it."""

from guestagent.embedded.containers.container_hypervisor import ContainerHypervisor
from guestagent.embedded.containers.datasource import Datasource
from guestagent.embedded.containers.image_tree import ImageTree, open_image_tree
from guestagent.embedded.containers.leftovers import sweep_cloud

__all__ = ["ContainerHypervisor", "Datasource", "ImageTree", "open_image_tree", "sweep_cloud"]
