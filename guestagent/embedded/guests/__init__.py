"""Guests of the embedded cloud: namespaces that boot like an image, each with its own database server."""

from guestagent.embedded.guests.hypervisor import NamespaceHypervisor
from guestagent.embedded.guests.kinds import DEFAULT, KINDS, Kind, kind_of
from guestagent.embedded.guests.services import Service, image_services

__all__ = ["DEFAULT", "KINDS", "Kind", "NamespaceHypervisor", "Service", "image_services", "kind_of"]
