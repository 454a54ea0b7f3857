"""The embedded Neutron."""
