from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.inbox import DocumentInbox
from guestagent.agent.instance_identity import InstanceRecord
from guestagent.agent.instance_record import write_record
from guestagent.agent.metadata_files import find_stored_document
from guestagent.agent.poke import deliver_document, restrict_access
from guestagent.agent.settings import Settings, load_settings
from guestagent.errors import InvalidInput, InvalidMetadata, NotReady, StorageError

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


def write_collected_files(settings: Settings, **contents: object) -> dict[str, str]:
    """The environment in which os-collect-config runs its command."""
    for name, content in contents.items():
        (settings.collector_cache / f"{name}.json").write_text(json.dumps(content))
    return {"OS_CONFIG_FILES": ":".join(f"{settings.collector_cache}/{name}.json" for name in contents)}


def poke_agent(settings: Settings, environ: dict[str, str]) -> dict[str, object] | None:
    """Return the document that the agent finds after a poke."""
    deliver_document(environ, settings, boot_folders=[], backup_cache=settings.run_folder / "backup")
    document = find_stored_document(settings.state_folder)
    return None if document is None else dict(document.document)


def test_the_document_is_stored_and_the_agent_woken(settings: Settings) -> None:
    with DocumentInbox(settings.state_folder, settings.run_folder).open_listener() as ear:
        assert poke_agent(settings, write_collected_files(settings, ec2={}, cfn=DOCUMENT)) == DOCUMENT
        assert ear.wait(5)


def test_a_copied_disk_takes_no_document_before_it_is_cleaned(settings: Settings, tmp_path: Path) -> None:
    write_record(settings.state_folder, InstanceRecord("origin"))
    (tmp_path / "var/lib/cloud/data").mkdir(parents=True)
    (tmp_path / "var/lib/cloud/data/instance-id").write_text("clone\n")

    with pytest.raises(NotReady, match="a copy of another instance's"):
        deliver_document(
            write_collected_files(settings, cfn=DOCUMENT),
            settings,
            [],
            settings.run_folder / "backup",
            tmp_path,
        )

    assert find_stored_document(settings.state_folder) is None


def test_an_agent_that_is_down_is_no_error(settings: Settings) -> None:
    assert poke_agent(settings, write_collected_files(settings, cfn=DOCUMENT)) == DOCUMENT


def test_the_agent_is_woken_before_the_collectors_configuration_can_fail(settings: Settings) -> None:
    settings.collector_config.unlink()
    settings.collector_config.mkdir()

    with DocumentInbox(settings.state_folder, settings.run_folder).open_listener() as ear:
        with pytest.raises(StorageError):
            poke_agent(settings, write_collected_files(settings, cfn=DOCUMENT))

        assert ear.wait(0)


def test_files_without_a_handle_change_nothing(settings: Settings) -> None:
    assert poke_agent(settings, write_collected_files(settings, ec2={"instance-id": "i-1"})) is None
    assert poke_agent(settings, {"OS_CONFIG_FILES": ""}) is None


def test_a_file_that_only_leads_to_the_document_is_followed(settings: Settings) -> None:
    referral = {"os-collect-config": {"collectors": "request", "request": {"metadata_url": "https://e/run"}}}

    assert poke_agent(settings, write_collected_files(settings, request=referral)) is None

    assert settings.collector_config.read_text() == (
        "[DEFAULT]\ncollectors = request\ncommand = guestagent poke\n[request]\nmetadata_url = https://e/run\n"
    )


def test_only_heats_options_are_changed_in_the_collectors_file(
    settings: Settings,
) -> None:
    poke_agent(settings, write_collected_files(settings, cfn=DOCUMENT))

    written = settings.collector_config
    assert written.read_text() == (
        "[DEFAULT]\ncollectors = cfn\ncommand = guestagent poke\n[cfn]\npath = Master0000.Metadata\n"
    )
    assert written.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("heats", [{}, {"os-collect-config": {"polling_interval": 30}}])
def test_the_interval_of_the_document_overrides_heats(settings: Settings, heats: dict[str, object]) -> None:
    handle = {"ReadyWaitCondition": "http://heat.test/1"}

    poke_agent(
        settings,
        write_collected_files(settings, heat={**handle, **heats, "GuestAgent": {"PollingInterval": 5}}),
    )

    assert "polling_interval = 5\n" in settings.collector_config.read_text()


def test_a_correct_configuration_is_not_written_again(settings: Settings) -> None:
    environ = write_collected_files(settings, cfn=DOCUMENT)
    poke_agent(settings, environ)
    before = settings.collector_config.stat()

    poke_agent(settings, environ)

    assert settings.collector_config.stat().st_ino == before.st_ino


def test_a_missing_configuration_stays_missing(settings: Settings) -> None:
    settings.collector_config.unlink()

    assert poke_agent(settings, write_collected_files(settings, cfn=DOCUMENT)) == DOCUMENT
    assert not settings.collector_config.exists()


def test_a_linked_configuration_stays_a_link(settings: Settings) -> None:
    behind = settings.collector_config.with_name("behind.conf")
    settings.collector_config.rename(behind)
    settings.collector_config.symlink_to(behind)

    poke_agent(settings, write_collected_files(settings, cfn=DOCUMENT))

    assert settings.collector_config.is_symlink()
    assert "Master0000.Metadata" in behind.read_text()


def test_the_copy_of_boot_time_does_not_replace_a_newer_document(settings: Settings) -> None:
    boot = {"ReadyWaitCondition": "http://heat.test/0"}
    poke_agent(settings, write_collected_files(settings, heat_local=boot, cfn=DOCUMENT))
    (settings.collector_cache / "heat_local.json.last").write_text(json.dumps(boot))

    assert poke_agent(settings, write_collected_files(settings, heat_local=boot)) == DOCUMENT


def test_a_poke_without_the_collector_names_the_missing_variable(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="OS_CONFIG_FILES"):
        poke_agent(settings, {})


def test_a_torn_file_leaves_the_stored_document(settings: Settings) -> None:
    poke_agent(settings, write_collected_files(settings, cfn=DOCUMENT))
    (settings.collector_cache / "cfn.json").write_text("{")

    with pytest.raises(InvalidMetadata):
        poke_agent(settings, {"OS_CONFIG_FILES": f"{settings.collector_cache}/cfn.json"})

    assert find_stored_document(settings.state_folder) is not None


def test_a_document_that_cannot_be_stored_is_an_error_for_the_collector(settings: Settings) -> None:
    settings.state_folder.touch()

    with pytest.raises(StorageError):
        poke_agent(settings, write_collected_files(settings, cfn=DOCUMENT))


def create_leftovers(tmp_path: Path) -> tuple[Path, Path]:
    """A boot-time copy as Heat's part handler writes it, and a cache as os-collect-config does."""
    copy, cache = tmp_path / "cfn-init-data", tmp_path / "cache"
    cache.mkdir(mode=0o755)
    copy.write_text("hidden")
    copy.chmod(0o644)
    for name in ("cfn.json", "cfn.json.last", "cfn.json.orig", "tmpnew", "tmpold"):
        (cache / name).write_text("hidden")
    os.utime(cache / "tmpold", (0, 0))
    return copy, cache


def test_only_root_can_read_the_leftovers(tmp_path: Path) -> None:
    copy, cache = create_leftovers(tmp_path)

    restrict_access([copy, tmp_path / "missing"], [cache, tmp_path / "missing"])

    assert copy.stat().st_mode & 0o777 == 0o600
    assert cache.stat().st_mode & 0o777 == 0o700


def test_a_poke_closes_every_boot_copy_of_heat_and_root_can_still_run_the_script(
    settings: Settings, tmp_path: Path
) -> None:
    boot_folder = tmp_path / "heat-cfntools"
    modes = {
        "cfn-init-data": 0o644,
        "cfn-userdata": 0o755,
        "cfn-metadata-server": 0o644,
        "status.json": 0o644,
    }
    boot_folder.mkdir()
    for name, mode in modes.items():
        (boot_folder / name).touch()
        (boot_folder / name).chmod(mode)
    environ = write_collected_files(settings, cfn=DOCUMENT)

    deliver_document(environ, settings, [boot_folder, tmp_path / "missing"], tmp_path / "backup")

    assert {path.name: path.stat().st_mode & 0o777 for path in boot_folder.iterdir()} == {
        "cfn-init-data": 0o600,
        "cfn-userdata": 0o700,
        "cfn-metadata-server": 0o600,
        "status.json": 0o644,
    }


def test_a_narrower_mode_is_not_changed(tmp_path: Path) -> None:
    copy, _ = create_leftovers(tmp_path)
    copy.chmod(0o400)

    restrict_access([copy], [])

    assert copy.stat().st_mode & 0o777 == 0o400


def test_superseded_copies_are_emptied_and_others_stay(tmp_path: Path) -> None:
    _, cache = create_leftovers(tmp_path)

    restrict_access([], [cache])

    contents = {path.name: path.read_text() for path in cache.iterdir()}
    assert contents == {
        "cfn.json": "hidden",
        "cfn.json.last": "hidden",
        "cfn.json.orig": "{}",
        "tmpnew": "hidden",
    }


def test_links_are_not_followed(tmp_path: Path) -> None:
    copy, cache = create_leftovers(tmp_path)
    (tmp_path / "link").symlink_to(copy)
    (tmp_path / "folder").symlink_to(cache)

    restrict_access([tmp_path / "link"], [tmp_path / "folder"])

    assert copy.stat().st_mode & 0o777 == 0o644
    assert (cache / "cfn.json.orig").read_text() == "hidden"
