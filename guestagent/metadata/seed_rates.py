"""How fast a replica gets its data: what both the guest and the controller reckon with. Pure."""

from __future__ import annotations

from guestagent.byte_units import MIB

REPLAY_RATE = 12 * MIB
"""Bytes of binary logs that a replica replays in a second: 8 to 16 MiB were measured."""
COPY_RATE = 80 * MIB
"""Bytes of data that a clone or a backup stream copies in a second."""
