"""Other parts of the contract: the command line, the JSON Schema, variables, and the words of enums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path

from guestagent.agent.doctor import Grade
from guestagent.agent.model import ConditionState
from guestagent.agent.outcome import Verdict
from guestagent.agent.server_config.change_state import Phase
from guestagent.controller import Dialect, NodeState, Passwords
from guestagent.metadata import Role, schema
from guestagent.metadata.variable_allowlist import KNOWN_VARIABLES
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.orders import ResizeFailure, VolumeFate
from guestagent.resources.views import FindingKind, InstanceState
from guestagent.seeding import SeedMethod, SeedPhase
from guestagent.signal import SignalStatus, SignalTransport
from guestagent.volume import VolumeResult
from tests.unit.golden.command_line import print_parser
from tests.unit.golden.golden_file import golden, hide_prose, to_json

WORDS: Mapping[str, Iterable[Enum]] = {
    "configuration.json: phase": Phase,
    "signal.json: by": SignalTransport,
    "signal.json: outcome.status": SignalStatus,
    "status.json: conditions[].state": ConditionState,
    "status --json, plan --json, evidence: role": Role,
    "apply: how the work ended": Verdict,
    "doctor --json: findings[].grade": Grade,
    "volume show --json: result": VolumeResult,
    "seed show --json: method": SeedMethod,
    "seed show --json: phase": SeedPhase,
    "cluster status --json: nodes[].state": NodeState,
    "cluster.yaml, preflight --json: dialect": Dialect,
    "passwords of a cluster": Passwords,
    "resources --json: operation.state": OperationState,
    "resources --json: refusal.code, error.code, findings[].code": RefusalCode,
    "resources --json: instances[].state": InstanceState,
    "resources audit --json: findings[].kind": FindingKind,
    "resources delete: --volumes, delete-instance: --volume": VolumeFate,
    "resources resize-instance: --on-failure": ResizeFailure,
}
"""The places where the words of each enum are written or read."""

PACKAGE = Path(__file__).parents[3] / "guestagent"
ENVIRONMENT = (
    "GUESTAGENT_CACHE",
    "GUESTAGENT_DEBUG",
    "NOTIFY_SOCKET",
    "NO_COLOR",
    "OS_CLIENT_CONFIG_FILE",
    "OS_CONFIG_FILES",
    "SUDO_USER",
)


@golden("contract/words.json")
def build_words(folder: Path) -> str:
    return to_json({place: sorted(map(spell_word, words)) for place, words in WORDS.items()})


def spell_word(word: Enum) -> str:
    """Return the word as it is in JSON. Enums that are not strings are written by their names."""
    return word.value if isinstance(word.value, str) else str(word)


@golden("contract/command_line.txt")
def build_command_line(folder: Path) -> str:
    return print_parser()


@golden("contract/environment.json")
def build_environment(folder: Path) -> str:
    """Build the list of those environment variables whose names are still in the sources."""
    sources = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    return to_json([name for name in ENVIRONMENT if f'"{name}"' in sources])


@golden("contract/schema.json")
def build_schema(folder: Path) -> str:
    """Build the JSON Schema without its sentences for people."""
    return to_json(hide_prose(schema(), ("description", "title", "$comment")))


@golden("contract/variables.json")
def build_variables(folder: Path) -> str:
    """Build the list of variables that a document may set, and when a server of each family takes them."""
    taken = {
        name: {family: known.get_change_mode(family) for family in ("mariadb", "mysql")}
        for name, known in KNOWN_VARIABLES.items()
    }
    return to_json(
        {
            name: {family: takes.value for family, takes in each.items() if takes is not None}
            for name, each in taken.items()
        }
    )
