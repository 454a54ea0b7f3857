"""A cloud on one machine: a fake Heat, the little Keystone and Nova around it, and guests in namespaces."""

from guestagent.embedded.hypervisor import FakeHypervisor, Guest, Hypervisor
from guestagent.embedded.inprocess import Serving, serving

__all__ = ["FakeHypervisor", "Guest", "Hypervisor", "Serving", "serving"]
