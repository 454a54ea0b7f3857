"""`python -m tests.every_operation --engine natives|orchestrator|migration`: every operation, through RPC."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.every_operation.run import run_every_operation

ENGINES = ("natives", "orchestrator", "migration")


def main() -> int:
    """Perform every operation with one engine, and say what was done."""
    parser = argparse.ArgumentParser(prog="python -m tests.every_operation", description=__doc__)
    parser.add_argument("--engine", choices=ENGINES, default="natives")
    engine = parser.parse_args().engine
    started_at = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        performed = run_every_operation(
            engine, Path(folder), lambda text: print(f"{engine}: {text}", flush=True)
        )
    seconds = time.monotonic() - started_at
    print(f"{engine}: {len(performed)} orders, the project is as it was before, {seconds:.0f} s")
    return 0


sys.exit(main())
