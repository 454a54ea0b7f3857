"""An entry in somebody's clouds.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from guestagent.embedded.process import clouds_yaml
from guestagent.embedded.process.clouds_yaml import delete_entry_text, insert_entry_text
from guestagent.errors import InvalidSettings
from tests.support.yaml_texts import ALIAS_BOMB

ENTRY = {"auth": {"auth_url": "http://h", "password": "p"}, "region_name": "RegionOne"}
THEIRS = """\
# mine, do not touch
clouds:
    prod:   # the real one
        auth: {auth_url: https://prod}

    stage:
        auth:
            auth_url: https://stage
cache: {auth: true}
"""


def test_an_entry_is_added_and_comments_stay() -> None:
    text = insert_entry_text(THEIRS, "embedded", ENTRY)

    assert yaml.safe_load(text) == {
        **yaml.safe_load(THEIRS),
        "clouds": {**yaml.safe_load(THEIRS)["clouds"], "embedded": ENTRY},
    }
    assert "# mine, do not touch" in text
    assert "# the real one" in text


def test_a_file_is_unchanged_after_adding_and_removing_an_entry() -> None:
    assert delete_entry_text(insert_entry_text(THEIRS, "embedded", ENTRY), "embedded") == THEIRS


@pytest.mark.parametrize(
    "text",
    [
        "clouds:\n  # the only one\n  a:\n    x: 'yes'   # quoted\n  # behind it\ncache:\n  - a\n  - b: 1\n",
        "clouds:\n    a: {x: 012}\nlists:\n-   a\n-   b\n",
        "clouds:\n  a: &shared {x: 1}\n  b:\n    <<: *shared\n",
    ],
)
def test_comments_quotes_and_indentation_of_the_others_stay(text: str) -> None:
    assert delete_entry_text(insert_entry_text(text, "embedded", ENTRY), "embedded") == text


def test_values_that_yaml_1_1_would_misread_are_quoted() -> None:
    text = insert_entry_text(
        "clouds:\n  a: {}\n", "embedded", {"password": "1_0", "user": "yes", "port": "0x1"}
    )

    assert yaml.safe_load(text)["clouds"]["embedded"] == {"password": "1_0", "user": "yes", "port": "0x1"}


def test_an_old_entry_of_the_name_is_replaced() -> None:
    once = insert_entry_text(THEIRS, "embedded", ENTRY)

    twice = insert_entry_text(once, "embedded", {**ENTRY, "region_name": "Two"})

    assert yaml.safe_load(twice)["clouds"]["embedded"]["region_name"] == "Two"
    assert twice.count("embedded:") == 1


@pytest.mark.parametrize(
    "text",
    ["", "clouds:\n", "clouds: {}\n", "clouds: {a: {x: 1}}\n", "cache: {}\n", "x:\n  -\nclouds:\n  a: {}\n"],
)
def test_a_file_of_another_form_gets_the_entry(text: str) -> None:
    before = yaml.safe_load(text) or {}

    after = yaml.safe_load(insert_entry_text(text, "embedded", ENTRY))

    assert after == {**before, "clouds": {**(before.get("clouds") or {}), "embedded": ENTRY}}


@pytest.mark.parametrize("text", ["- a", "clouds: [a]", "clouds: ["])
def test_an_invalid_clouds_yaml_is_left_alone(text: str) -> None:
    with pytest.raises(InvalidSettings):
        insert_entry_text(text, "embedded", ENTRY)


def test_aliases_that_repeat_too_much_are_rejected() -> None:
    with pytest.raises(InvalidSettings, match="expected aliases that repeat at most 524288 characters"):
        insert_entry_text(ALIAS_BOMB, "embedded", ENTRY)


def test_the_file_is_private_and_is_removed_with_its_last_entry(tmp_path: Path) -> None:
    file = tmp_path / "openstack" / "clouds.yaml"

    clouds_yaml.write_entry(file, "embedded", ENTRY)
    mode = file.stat().st_mode & 0o777
    clouds_yaml.remove_entry(file, "embedded")

    assert mode == 0o600
    assert not file.exists()


def test_removing_a_missing_entry_does_not_change_the_file(tmp_path: Path) -> None:
    file = tmp_path / "clouds.yaml"
    file.write_text(THEIRS)

    clouds_yaml.remove_entry(file, "embedded")

    assert file.read_text() == THEIRS
