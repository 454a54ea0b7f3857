"""A real Nova, Cinder, Neutron and the services that they need, run by us over a fake hypervisor and fake volumes."""

from guestagent.embedded.real_cloud.cloud import RealCloud
from guestagent.embedded.real_cloud.cloud_guests import CloudGuests
from guestagent.embedded.real_cloud.cloud_release import DEBIAN_NAME, DEBIAN_NOVA
from guestagent.embedded.real_cloud.cloud_setup import open_real_cloud

__all__ = ["DEBIAN_NAME", "DEBIAN_NOVA", "CloudGuests", "RealCloud", "open_real_cloud"]
