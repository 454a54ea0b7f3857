"""A verification that is killed (SIGKILL) while the replica's SQL thread is stopped, with the lock of the passes held.

Arguments: the agent's configuration, and the document.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from guestagent.agent.settings import load_settings
from guestagent.cli import verify
from guestagent.cli.signals import InterruptHandler
from guestagent.metadata import parse
from guestagent.verification.snapshot_pair import PairEnvironment, open_pair
from guestagent.verification.source_dialects import DIALECTS


def run_killed_verification(config: Path, document_path: Path, family: str) -> None:
    settings, document = load_settings(config), parse(json.loads(document_path.read_text()))
    source, account = document.source, document.section.verification
    assert source is not None
    assert account is not None
    environment = verify._build_environment(settings, document, source, account, InterruptHandler())
    pair_environment = PairEnvironment(
        DIALECTS[family](),
        environment.open_source,
        environment.open_replica,
        environment.open_control,
        environment.hold_passes,
        environment.clock,
    )
    open_pair(pair_environment, lambda: os.kill(os.getpid(), signal.SIGKILL))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs=3)
    config, document_path, family = parser.parse_args(sys.argv[1:]).words
    run_killed_verification(Path(config), Path(document_path), family)
