"""Guests of the embedded cloud: namespaces that boot like an image, each with its own database server."""

from guestagent.embedded.guests.hypervisor import NamespaceHypervisor
from guestagent.embedded.guests.services import Service, image_services

__all__ = ["NamespaceHypervisor", "Service", "image_services"]
