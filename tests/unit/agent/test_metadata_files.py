from __future__ import annotations

import json
from pathlib import Path

import pytest

from guestagent.agent.metadata_files import (
    CollectedDocument,
    choose_document,
    find_committed_document,
    find_latest_document,
    find_stored_document,
    is_outdated,
    store_document,
)
from guestagent.agent.settings import Settings, load_settings
from guestagent.errors import InvalidMetadata

BOOT = {"ReadyWaitCondition": "http://heat.test/1", "Users": [{"name": "removed", "password": "hidden"}]}
NEW = {"ReadyWaitCondition": "http://heat.test/2", "Users": []}
FOREIGN = {"instance-id": "i-1"}


def write_files(folder: Path, **contents: object) -> list[Path]:
    """A cache's files in the order that os-collect-config gives them."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{name}.json" for name in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return paths


def commit_files(*paths: Path) -> None:
    """Do what os-collect-config does after its command has succeeded."""
    for path in paths:
        path.with_name(f"{path.name}.last").write_bytes(path.read_bytes())
    (paths[0].parent / "os_config_files.json").write_text(json.dumps([str(path) for path in paths]))


def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "guestagent.conf"
    file.write_text(f"[DEFAULT]\nstate = {tmp_path}/state\n[collector]\ncache = {tmp_path}/cache\n")
    return load_settings(file)


def test_the_last_file_with_a_handle_is_the_document(tmp_path: Path) -> None:
    collected = choose_document(write_files(tmp_path, heat_local=BOOT, cfn=NEW, local=FOREIGN))

    assert collected is not None
    assert collected.document == NEW
    assert collected.path == tmp_path / "cfn.json"


def test_documents_are_not_merged(tmp_path: Path) -> None:
    collected = choose_document(
        write_files(tmp_path, heat_local=BOOT, cfn={"ReadyWaitCondition": "http://heat.test/2"})
    )

    assert collected is not None
    assert "Users" not in collected.document


def test_an_invalid_document_is_chosen_too(tmp_path: Path) -> None:
    collected = choose_document(write_files(tmp_path, cfn={"ReadyWaitCondition": 5, "Users": "none"}))

    assert collected is not None
    assert collected.document["ReadyWaitCondition"] == 5


@pytest.mark.parametrize("contents", [{}, {"ec2": FOREIGN}, {"a": [1], "b": "null", "c": "5"}])
def test_without_a_handle_there_is_no_document(tmp_path: Path, contents: dict[str, object]) -> None:
    assert choose_document(write_files(tmp_path, **contents)) is None


@pytest.mark.parametrize("torn", ["", "{", "\x00\x00", "[" * 100_000])
def test_a_torn_file_that_may_be_the_newest_is_a_problem_with_its_path(tmp_path: Path, torn: str) -> None:
    with pytest.raises(InvalidMetadata) as raised:
        choose_document(write_files(tmp_path, heat_local=BOOT, cfn=torn))

    assert [problem.path for problem in raised.value.problems] == [str(tmp_path / "cfn.json")]
    assert [problem.expected for problem in raised.value.problems] == ["JSON"]


def test_a_torn_file_before_the_document_is_ignored(tmp_path: Path) -> None:
    assert choose_document(write_files(tmp_path, ec2="{", cfn=NEW)) is not None


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(InvalidMetadata, match="expected a file of os-collect-config, found none"):
        choose_document([tmp_path / "cfn.json"])


def test_documents_with_equal_content_are_equal() -> None:
    one = CollectedDocument.from_document({"a": 1, "b": 2}, Path("heat_local.json"), "then")

    assert one == CollectedDocument.from_document({"b": 2, "a": 1}, Path("cfn.json"), "now")
    assert one != CollectedDocument.from_document({"a": 1}, Path("heat_local.json"), "then")


def test_the_repr_of_a_document_hides_it() -> None:
    assert "hidden" not in repr(CollectedDocument.from_document(BOOT, Path("cfn.json")))


def test_the_copy_of_boot_time_is_outdated_while_the_present_file_is_missing(tmp_path: Path) -> None:
    local, cfn = write_files(tmp_path, heat_local=BOOT, cfn=NEW)
    commit_files(local, cfn)
    known, left = choose_document([local, cfn]), choose_document([local])

    assert left is not None
    assert is_outdated(left, known, [local])
    assert not is_outdated(left, known, [local, cfn])
    assert not is_outdated(left, None, [local])


def test_a_changed_file_of_another_collector_is_not_outdated(tmp_path: Path) -> None:
    (cfn,) = write_files(tmp_path, cfn=BOOT)
    commit_files(cfn)
    known = choose_document([cfn])
    (heat,) = write_files(tmp_path, heat=NEW)
    collected = choose_document([heat])
    assert collected is not None

    never_committed = is_outdated(collected, known, [heat])
    commit_files(heat)
    (heat,) = write_files(tmp_path, heat=BOOT)
    changed_since = is_outdated(CollectedDocument.from_document(BOOT, heat), known, [heat])

    assert (never_committed, changed_since) == (False, False)


def test_the_committed_document_is_found_without_any_collector(tmp_path: Path) -> None:
    local, cfn = write_files(tmp_path, heat_local=BOOT, cfn=NEW)
    commit_files(local, cfn)
    cfn.write_text(json.dumps({"ReadyWaitCondition": "http://heat.test/3"}))

    collected = find_committed_document(tmp_path)

    assert collected is not None
    assert collected.document == NEW


def test_a_committed_copy_that_a_crash_has_torn_is_replaced_by_the_collected_file(tmp_path: Path) -> None:
    local, cfn = write_files(tmp_path, heat_local=BOOT, cfn=NEW)
    commit_files(local, cfn)
    (tmp_path / "cfn.json.last").write_text("{")

    collected = find_committed_document(tmp_path)

    assert collected is not None
    assert collected.document == NEW


def test_a_document_that_was_not_committed_is_not_found(tmp_path: Path) -> None:
    (cfn,) = write_files(tmp_path, cfn=NEW)
    (tmp_path / "os_config_files.json").write_text(json.dumps([str(cfn)]))

    assert find_committed_document(tmp_path) is None


@pytest.mark.parametrize("listed", ["", "{}", "5", '["/gone/cfn.json", 7]'])
def test_an_unreadable_list_counts_as_missing(tmp_path: Path, listed: str) -> None:
    (tmp_path / "os_config_files.json").write_text(listed)

    assert find_committed_document(tmp_path) is None
    assert find_committed_document(tmp_path / "missing") is None


def test_a_stored_document_is_found_by_the_next_process(tmp_path: Path) -> None:
    store_document(
        tmp_path / "state",
        CollectedDocument.from_document(NEW, Path("/cache/cfn.json"), "2026-11-23T18:00:00+00:00"),
    )

    collected = find_stored_document(tmp_path / "state")

    assert collected is not None
    assert (collected.document, collected.display_path, collected.collected_at) == (
        NEW,
        "/cache/cfn.json",
        "2026-11-23T18:00:00+00:00",
    )
    assert (tmp_path / "state" / "document.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", ["", "[]", '{"version": 2}', '{"version": 1, "document": 5, "source": "", "at": ""}']
)
def test_a_foreign_file_counts_as_missing(tmp_path: Path, content: str) -> None:
    (tmp_path / "document.json").write_text(content)

    assert find_stored_document(tmp_path) is None


def test_the_stored_document_goes_before_the_committed_one(tmp_path: Path) -> None:
    commit_files(*write_files(tmp_path / "cache", cfn=BOOT))
    before = find_latest_document(settings(tmp_path))
    store_document(tmp_path / "state", CollectedDocument.from_document(NEW, Path("cfn.json")))

    after = find_latest_document(settings(tmp_path))

    assert before is not None
    assert after is not None
    assert (before.document, after.document) == (BOOT, NEW)
