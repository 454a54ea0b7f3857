"""A real Keystone and a real Heat, run by us: their own code, our configuration, our servers, network and images."""

from guestagent.embedded.real_heat.setup import RealHeatSetup, ground_for, remove_leftovers

__all__ = ["RealHeatSetup", "ground_for", "remove_leftovers"]
