"""Guests of the embedded cloud: namespaces that boot like an image, each with its own database server."""

from guestagent.embedded.guests.images import DEFAULT_IMAGE, GUEST_IMAGES, GuestImage, find_image
from guestagent.embedded.guests.namespace_hypervisor import NamespaceHypervisor
from guestagent.embedded.guests.services import GuestService, list_image_services

__all__ = [
    "DEFAULT_IMAGE",
    "GUEST_IMAGES",
    "GuestImage",
    "GuestService",
    "NamespaceHypervisor",
    "find_image",
    "list_image_services",
]
