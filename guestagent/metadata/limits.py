"""Limits and defaults of the contract's numbers, for both halves. Pure."""

from __future__ import annotations

CONDITION_TIMEOUT_LIMIT_S = 43200
"""Heat's limit for the Timeout of a wait condition."""
DEFAULT_AUTH_TTL_S = 900
"""Keystone's default for `[credential] auth_ttl`: how long it accepts the signed URL of a handle."""
AUTH_TTL_LIMIT_S = 10**6
POLLING_INTERVAL_LIMIT_S = 3600
LAG_LIMIT_S = 86400
GENERATION_LIMIT = 10**6
VOLUME_SIZE_LIMIT_GIB = 16384
"""ext4's limit with blocks of 4 KiB."""
SEEDING_DEADLINE_LIMIT_S = 30 * 86400
RATE_LIMIT_LIMIT_MIB = 100_000
SIZE_LIMIT_BYTES = 2**60
UINT32_MAX = 2**32 - 1
SERVER_ID_LIMIT = UINT32_MAX
