"""A real Keystone and a real Heat, run by us: their own code, our configuration, our servers, network and images."""

from guestagent.embedded.realheat.ground import Ground, ground_for, sweep

__all__ = ["Ground", "ground_for", "sweep"]
