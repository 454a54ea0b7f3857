"""The code of a failure, from Heat's words: it has nothing else. Pure."""

from __future__ import annotations

import re

from guestagent.resources.natives.responses import MISSING_PATTERN
from guestagent.resources.operation import RefusalCode

_PATTERNS = (
    (
        re.compile(r"quota|VolumeLimitExceeded|VolumeSizeExceeds|maximum (?:number|stacks)|OverLimit", re.I),
        RefusalCode.QUOTA,
    ),
    (
        re.compile(
            r"No valid host|NoValidHost|No valid (?:backend|storage)|IpAddressGenerationFailure|"
            r"No fixed IP addresses",
            re.I,
        ),
        RefusalCode.NO_CAPACITY,
    ),
    (MISSING_PATTERN, RefusalCode.NOT_FOUND),
    (
        re.compile(
            r"The (?:Flavor|Image|Key|VolumeType|Network|Subnet) \([^)]*\) could not be found|"
            r"Volume type with name \S+ could not be found|Unable to find (?:network|subnet) with"
        ),
        RefusalCode.NOT_FOUND,
    ),
    (re.compile(r"Multiple (?:network|subnet) matches found"), RefusalCode.INVALID),
    (re.compile(r"\balready exists\b"), RefusalCode.EXISTS),
    (re.compile(r"Heat returned 40[13]\b|\bForbidden\b"), RefusalCode.FORBIDDEN),
    (re.compile(r"timed? ?out", re.I), RefusalCode.DEADLINE),
)


def classify_stack_failure(reason: str) -> RefusalCode:
    """Return the code of what Heat says of a request or a stack."""
    return next((code for pattern, code in _PATTERNS if pattern.search(reason)), RefusalCode.REFUSED)
