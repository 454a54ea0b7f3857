"""The code of a failure, from Heat's words: it has nothing else. Pure."""

from __future__ import annotations

import re

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
    (re.compile(r"\balready exists\b"), RefusalCode.EXISTS),
    (re.compile(r"Heat returned 40[13]\b|\bForbidden\b"), RefusalCode.FORBIDDEN),
    (re.compile(r"timed? ?out", re.I), RefusalCode.DEADLINE),
)


def classify_stack_failure(reason: str) -> RefusalCode:
    """Return the code of what Heat says of a request or a stack."""
    return next((code for pattern, code in _PATTERNS if pattern.search(reason)), RefusalCode.REFUSED)
