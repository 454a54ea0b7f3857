"""NATIVES: clusters from Nova, Cinder and Neutron themselves, without Heat."""
