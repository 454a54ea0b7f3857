"""Verification: proves that a replica has the same definitions and the same rows as its source.

It reads both servers through SQL and changes neither. docs/how-to/verify.md describes why the comparison is sound.
"""

from guestagent.verification.object_kind import KindCoverage
from guestagent.verification.result import Difference, Uncompared, VerificationResult
from guestagent.verification.result_file import read_result, write_result
from guestagent.verification.selection import Selection

__all__ = [
    "Difference",
    "KindCoverage",
    "Selection",
    "Uncompared",
    "VerificationResult",
    "read_result",
    "write_result",
]
