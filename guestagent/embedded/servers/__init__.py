"""Real database servers of three flavours, unpacked and not installed, for tests and for the embedded cloud."""

from guestagent.embedded.servers.datadir import copy, install, prepared
from guestagent.embedded.servers.flavours import FLAVOURS, Flavour
from guestagent.embedded.servers.roots import cache_folder, provide, within

__all__ = ["FLAVOURS", "Flavour", "cache_folder", "copy", "install", "prepared", "provide", "within"]
