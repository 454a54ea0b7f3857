from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.inbox import DocumentInbox
from guestagent.agent.metadata_files import find_stored_document
from guestagent.agent.poke import deliver_document, restrict_access
from guestagent.agent.settings import Settings, load_settings
from guestagent.errors import InvalidInput, InvalidMetadata, StorageError

HEAT = {"collectors": ["cfn"], "cfn": {"path": "Master0000.Metadata"}}
DOCUMENT: dict[str, object] = {"ReadyWaitCondition": "http://heat.test/1", "os-collect-config": HEAT}
CONFIG = "[DEFAULT]\ncommand = guestagent poke\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "cache").mkdir()
    (tmp_path / "os-collect-config.conf").write_text(CONFIG)
    empty = tmp_path / "guestagent.conf"
    empty.touch()
    return replace(
        load_settings(empty),
        state_folder=tmp_path / "state",
        run_folder=tmp_path / "run",
        collector_cache=tmp_path / "cache",
        collector_config=tmp_path / "os-collect-config.conf",
    )


def collected(settings: Settings, **contents: object) -> dict[str, str]:
    """The environment in which os-collect-config runs its command."""
    for name, content in contents.items():
        (settings.collector_cache / f"{name}.json").write_text(json.dumps(content))
    return {"OS_CONFIG_FILES": ":".join(f"{settings.collector_cache}/{name}.json" for name in contents)}


def poked(settings: Settings, environ: dict[str, str]) -> dict[str, object] | None:
    """What the agent finds after a poke."""
    deliver_document(environ, settings, boot_copies=[], backup_cache=settings.run_folder / "backup")
    found = find_stored_document(settings.state_folder)
    return None if found is None else dict(found.document)


def test_the_document_is_kept_and_the_agent_told(settings: Settings) -> None:
    with DocumentInbox(settings.state_folder, settings.run_folder).open_listener() as ear:
        assert poked(settings, collected(settings, ec2={}, cfn=DOCUMENT)) == DOCUMENT
        assert ear.wait(5)


def test_an_agent_that_is_down_is_no_reason_to_fail(settings: Settings) -> None:
    assert poked(settings, collected(settings, cfn=DOCUMENT)) == DOCUMENT


def test_the_agent_is_told_before_anything_of_the_collector_can_fail(settings: Settings) -> None:
    settings.collector_config.unlink()
    settings.collector_config.mkdir()

    with DocumentInbox(settings.state_folder, settings.run_folder).open_listener() as ear:
        with pytest.raises(StorageError):
            poked(settings, collected(settings, cfn=DOCUMENT))

        assert ear.wait(0)


def test_files_without_a_handle_change_nothing(settings: Settings) -> None:
    assert poked(settings, collected(settings, ec2={"instance-id": "i-1"})) is None
    assert poked(settings, {"OS_CONFIG_FILES": ""}) is None


def test_heats_wishes_for_the_collector_are_written_and_nothing_else_of_its_file_changed(
    settings: Settings,
) -> None:
    poked(settings, collected(settings, cfn=DOCUMENT))

    written = settings.collector_config
    assert written.read_text() == (
        "[DEFAULT]\ncollectors = cfn\ncommand = guestagent poke\n[cfn]\npath = Master0000.Metadata\n"
    )
    assert written.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("heats", [{}, {"os-collect-config": {"polling_interval": 30}}])
def test_the_interval_of_our_own_section_stands_over_heats(
    settings: Settings, heats: dict[str, object]
) -> None:
    handle = {"ReadyWaitCondition": "http://heat.test/1"}

    poked(settings, collected(settings, heat={**handle, **heats, "GuestAgent": {"PollingInterval": 5}}))

    assert "polling_interval = 5\n" in settings.collector_config.read_text()


def test_a_configuration_that_is_right_is_not_written_again(settings: Settings) -> None:
    environ = collected(settings, cfn=DOCUMENT)
    poked(settings, environ)
    before = settings.collector_config.stat()

    poked(settings, environ)

    assert settings.collector_config.stat().st_ino == before.st_ino


def test_a_missing_configuration_stays_missing(settings: Settings) -> None:
    settings.collector_config.unlink()

    assert poked(settings, collected(settings, cfn=DOCUMENT)) == DOCUMENT
    assert not settings.collector_config.exists()


def test_a_linked_configuration_stays_a_link(settings: Settings) -> None:
    behind = settings.collector_config.with_name("behind.conf")
    settings.collector_config.rename(behind)
    settings.collector_config.symlink_to(behind)

    poked(settings, collected(settings, cfn=DOCUMENT))

    assert settings.collector_config.is_symlink()
    assert "Master0000.Metadata" in behind.read_text()


def test_the_copy_of_boot_time_does_not_bring_the_past_back(settings: Settings) -> None:
    boot = {"ReadyWaitCondition": "http://heat.test/0"}
    poked(settings, collected(settings, heat_local=boot, cfn=DOCUMENT))
    (settings.collector_cache / "heat_local.json.last").write_text(json.dumps(boot))

    assert poked(settings, collected(settings, heat_local=boot)) == DOCUMENT


def test_a_poke_by_nobody_says_what_is_missing(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="OS_CONFIG_FILES"):
        poked(settings, {})


def test_a_torn_file_keeps_the_document_that_was_there(settings: Settings) -> None:
    poked(settings, collected(settings, cfn=DOCUMENT))
    (settings.collector_cache / "cfn.json").write_text("{")

    with pytest.raises(InvalidMetadata):
        poked(settings, {"OS_CONFIG_FILES": f"{settings.collector_cache}/cfn.json"})

    assert find_stored_document(settings.state_folder) is not None


def test_where_nothing_can_be_kept_the_collector_comes_again(settings: Settings) -> None:
    settings.state_folder.touch()

    with pytest.raises(StorageError):
        poked(settings, collected(settings, cfn=DOCUMENT))


def left_behind(tmp_path: Path) -> tuple[Path, Path]:
    """A boot-time copy as Heat's part handler writes it, and a cache as os-collect-config does."""
    copy, cache = tmp_path / "cfn-init-data", tmp_path / "cache"
    cache.mkdir(mode=0o755)
    copy.write_text("hidden")
    copy.chmod(0o644)
    for name in ("cfn.json", "cfn.json.last", "cfn.json.orig", "tmpnew", "tmpold"):
        (cache / name).write_text("hidden")
    os.utime(cache / "tmpold", (0, 0))
    return copy, cache


def test_only_root_can_read_what_was_left_behind(tmp_path: Path) -> None:
    copy, cache = left_behind(tmp_path)

    restrict_access([copy, tmp_path / "missing"], [cache, tmp_path / "missing"])

    assert copy.stat().st_mode & 0o777 == 0o600
    assert cache.stat().st_mode & 0o777 == 0o700


def test_a_mode_that_is_narrower_still_is_kept(tmp_path: Path) -> None:
    copy, _ = left_behind(tmp_path)
    copy.chmod(0o400)

    restrict_access([copy], [])

    assert copy.stat().st_mode & 0o777 == 0o400


def test_superseded_copies_are_emptied_and_what_is_read_again_stays(tmp_path: Path) -> None:
    _, cache = left_behind(tmp_path)

    restrict_access([], [cache])

    found = {path.name: path.read_text() for path in cache.iterdir()}
    assert found == {
        "cfn.json": "hidden",
        "cfn.json.last": "hidden",
        "cfn.json.orig": "{}",
        "tmpnew": "hidden",
    }


def test_a_link_leads_nowhere(tmp_path: Path) -> None:
    copy, cache = left_behind(tmp_path)
    (tmp_path / "link").symlink_to(copy)
    (tmp_path / "folder").symlink_to(cache)

    restrict_access([tmp_path / "link"], [tmp_path / "folder"])

    assert copy.stat().st_mode & 0o777 == 0o644
    assert (cache / "cfn.json.orig").read_text() == "hidden"
