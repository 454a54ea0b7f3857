"""A cloud on one machine: a fake Heat, the little Keystone and Nova around it, and guests in namespaces."""

from guestagent.embedded.openstack.nova.hypervisor import FakeHypervisor, Guest, Hypervisor
from guestagent.embedded.process.thread import Serving, serving

__all__ = ["FakeHypervisor", "Guest", "Hypervisor", "Serving", "serving"]
