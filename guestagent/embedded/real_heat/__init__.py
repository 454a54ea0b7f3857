"""A real Keystone and a real Heat, run by us: their own code, our configuration, our servers, network and images."""

from guestagent.embedded.real_heat.setup import RealHeatSetup, open_heat_setup, remove_leftovers

__all__ = ["RealHeatSetup", "open_heat_setup", "remove_leftovers"]
