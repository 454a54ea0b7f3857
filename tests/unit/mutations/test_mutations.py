"""With any content of state files or metadata: no exit code 70, no traceback, nothing that steers a terminal."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.errors import EXIT_BUG
from guestagent.metadata import Document, dump
from guestagent.text_escaping import HIDDEN_CHARACTER
from tests.support.mutations import mutate, mutate_bytes
from tests.unit.golden.agent_work import FOLLOWER, SOURCE
from tests.unit.mutations.node import CommandOutcome, Node

SEED = 20261129
FEW, MANY = 500, 10_000
FAST = Path("/dev/shm")
"""Where nothing waits for a disk."""

STATE_FILES = (
    "journal.json",
    "journal-copy.json",
    "document.json",
    "signal.json",
    "status.json",
    "configuration.json",
    "paused.json",
)
Use = Callable[[Node], CommandOutcome]


def run(*words: str) -> Use:
    return lambda node: node.run(*words)


def serve(node: Node) -> CommandOutcome:
    return CommandOutcome(0, node.serve())


def run_on(*words: str) -> Use:
    """A command on the collected file itself."""
    return lambda node: node.run(*words, str(node.folder / "cache" / "cfn.json"))


def cloud(*words: str) -> Use:
    def use(node: Node) -> CommandOutcome:
        there = [
            "--name",
            "none",
            "--state",
            str(node.state),
            "--clouds-file",
            str(node.state / "clouds.yaml"),
        ]
        return node.run("cloud", *words, *there)

    return use


OF_THE_STATE: dict[str, Use] = {
    "serve": serve,
    "status": run("status"),
    "status --json": run("status", "--json"),
    "plan": run("plan"),
    "apply": run("apply", "--no-signal"),
    "apply --json": run("apply", "--no-signal", "--json"),
    "poke": Node.run_collector_command,
    "doctor": Node.examine,
    "resume": run("resume"),
    "pause": run("pause", "--reason", "x"),
}
OF_THE_CLOUD: dict[str, Use] = {"cloud status": cloud("status")}
OF_THE_SETTINGS: dict[str, Use] = {name: OF_THE_STATE[name] for name in ("status", "status --json", "plan")}
"""Commands that write nothing: any folder may be named there."""

OF_FILES_OF_OTHERS: dict[str, Use] = {name: OF_THE_STATE[name] for name in ("serve", "poke", "doctor")}
OF_THE_METADATA: dict[str, Use] = {
    "poke": Node.run_collector_command,
    "serve": serve,
    "status": run("status"),
    "doctor": Node.examine,
    "plan": run("plan"),
    "plan --offline": run_on("plan", "--offline", "--metadata"),
    "apply": run("apply", "--no-signal"),
    "validate": run_on("validate"),
    "validate --json": run_on("validate", "--json"),
}


@pytest.fixture(scope="module", params=[SOURCE, FOLLOWER], ids=["source", "replica"])
def master(request: pytest.FixtureRequest) -> Iterator[Node]:
    """A node that is copied for every mutation."""
    with tempfile.TemporaryDirectory(dir=FAST if FAST.is_dir() else None) as folder:
        node = Node(Path(folder) / "master", request.param)
        node.build()
        yield node


def copy(master: Node) -> Node:
    folder = master.folder.with_name("node")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(master.folder, folder, ignore=lambda *_: ["bell"])
    (folder / "guestagent.conf").write_text(
        (folder / "guestagent.conf").read_text().replace(str(master.folder), str(folder))
    )
    node = Node(folder, master.document)
    state = master.database.state
    node.database = master.database.reopen()
    node.database.state = replace(
        state, data_directory=state.data_directory.replace(str(master.folder), str(folder))
    )
    return node


def find_trouble(name: str, use: Use, node: Node) -> str:
    """Return the fault in the way the command ended; "" for none."""
    try:
        ended = use(node)
    except Exception:  # noqa: BLE001 - whatever it is, it is what this test looks for
        return f"{name}: {traceback.format_exc()}"
    if ended.code == EXIT_BUG or "a bug" in ended.output or "Traceback" in ended.output:
        return f"{name}: exit code {ended.code}: {ended.output}"
    if HIDDEN_CHARACTER.search(ended.output):
        return f"{name}: steers a terminal: {ended.output!r}"
    return ""


def run_mutations(
    master: Node, count: int, change: Callable[[Node, random.Random], str], uses: dict[str, Use]
) -> None:
    """Change something, then use the node. All trouble is reported, with the number of the mutation."""
    ways = random.Random(SEED)
    troubles = []
    for number in range(count):
        node, chance = copy(master), random.Random(SEED + number)
        what = change(node, chance)
        name = ways.choice(sorted(uses))
        if trouble := find_trouble(name, uses[name], node):
            troubles.append(f"mutation {number} of {what}: {trouble[-3000:]}")
    assert not troubles, f"{len(troubles)} of {count}:\n" + "\n".join(troubles[:5])


def change_state(node: Node, chance: random.Random) -> str:
    """Change one of our files, or the two copies of the journal alike."""
    names = chance.choice([*((name,) for name in STATE_FILES), STATE_FILES[:2]])
    seed = chance.random()
    for name in names:
        path = node.state / name
        path.write_bytes(mutate(path.read_bytes(), random.Random(seed)))
    if "paused.json" not in names:
        (node.state / "paused.json").unlink()
    return str(names)


def change_cloud(node: Node, chance: random.Random) -> str:
    name = chance.choice(("cloud.json", "cloud.json", "clouds.yaml"))
    (node.state / name).write_bytes(mutate((node.state / name).read_bytes(), chance))
    return name


def change_settings(node: Node, chance: random.Random) -> str:
    path = node.folder / "guestagent.conf"
    path.write_bytes(mutate_bytes(path.read_bytes(), chance))
    return path.name


def change_files_of_others(node: Node, chance: random.Random) -> str:
    (node.state / "paused.json").unlink()
    path = node.folder / chance.choice(("collector.conf", "option.cnf"))
    path.write_bytes(mutate_bytes(path.read_bytes(), chance))
    return path.name


def change_metadata(node: Node, chance: random.Random) -> str:
    """Change what was collected; of the committed copy and the list of files now and then another one."""
    (node.state / "paused.json").unlink()
    if chance.random() < 0.5:
        (node.state / "document.json").unlink()
    node.collect(mutate(json.dumps(document_of(node.document)).encode(), chance))
    if chance.random() < 0.2:
        path = node.folder / "cache" / chance.choice(("os_config_files.json", "cfn.json.last"))
        path.write_bytes(mutate(path.read_bytes(), chance))
    return "the metadata"


def document_of(document: Document) -> dict[str, object]:
    tls = {"CA": "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n", "Verify": False}
    dumped = dump(document)
    section = dumped["GuestAgent"] | {"Deadline": 60, "Network": "10.0.0.0/24", "Variables": {"back_log": 90}}
    collector = {"os-collect-config": {"polling_interval": 30, "cfn": {"path": ["a"]}}}
    return {
        **dumped,
        **collector,
        "GuestAgent": {**section, "TLS": tls},
        "theirs": {"key": [1, "two", None, 3.5]},
    }


@pytest.mark.timeout(900)
def test_our_files_may_hold_anything(master: Node) -> None:
    run_mutations(master, FEW // 2, change_state, OF_THE_STATE)


@pytest.mark.timeout(900)
def test_a_clouds_files_may_hold_anything(master: Node) -> None:
    run_mutations(master, FEW // 10, change_cloud, OF_THE_CLOUD)


@pytest.mark.timeout(900)
def test_settings_and_files_of_others_may_hold_anything(master: Node) -> None:
    run_mutations(master, FEW // 20, change_settings, OF_THE_SETTINGS)
    run_mutations(master, FEW // 20, change_files_of_others, OF_FILES_OF_OTHERS)


@pytest.mark.timeout(900)
def test_the_metadata_may_hold_anything(master: Node) -> None:
    run_mutations(master, FEW // 2, change_metadata, OF_THE_METADATA)


@pytest.mark.patient
@pytest.mark.timeout(3600)
def test_our_files_may_hold_anything_ten_thousand_times(master: Node) -> None:
    run_mutations(master, MANY // 2, change_state, OF_THE_STATE)
    run_mutations(master, MANY // 20, change_cloud, OF_THE_CLOUD)
    run_mutations(master, 20, change_cloud, {"cloud down": cloud("down")})


@pytest.mark.patient
@pytest.mark.timeout(3600)
def test_the_metadata_may_hold_anything_ten_thousand_times(master: Node) -> None:
    run_mutations(master, MANY // 2, change_metadata, OF_THE_METADATA)
