"""Seeding: how a replica gets a copy of its source's data before it follows the source.

The agent decides and writes a request; the worker, a process of its own, works it off and writes its state.
"""

from guestagent.seeding.method import MethodChoice, SeedFacts, SeedMethod, choose_method
from guestagent.seeding.request import DonorEndpoint, SeedRequest
from guestagent.seeding.seed_files import SeedFiles
from guestagent.seeding.state import SeedPhase, SeedState

__all__ = [
    "DonorEndpoint",
    "MethodChoice",
    "SeedFacts",
    "SeedFiles",
    "SeedMethod",
    "SeedPhase",
    "SeedRequest",
    "SeedState",
    "choose_method",
]
