"""The value of `guestagent_volume` in a server's metadata."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from guestagent.errors import InvalidMetadata
from guestagent.metadata import DataVolume
from guestagent.metadata.server_metadata import (
    VALUE_LENGTH_LIMIT,
    VolumeDeclaration,
    format_volume_declaration,
    parse_volume_declaration,
)

PAGE = Path(__file__).parents[3].joinpath("docs/reference/metadata.md").read_text(encoding="utf-8")
VOLUME_ID = "3e9f5b0c-64d1-4c1e-9a55-0c6a3e2f7d18"
NEW = VolumeDeclaration(DataVolume(VOLUME_ID, 20, is_new=True), "shop", "Master0000")
MAPPING = {"Id": VOLUME_ID, "SizeGiB": 20, "New": True, "Cluster": "shop", "Node": "Master0000"}


@pytest.mark.parametrize("value", [json.dumps(MAPPING), MAPPING, {**MAPPING, "SizeGiB": "20"}])
def test_a_text_and_a_mapping_are_the_same_declaration(value: object) -> None:
    assert parse_volume_declaration(value) == NEW


@pytest.mark.parametrize(
    "declaration", [NEW, VolumeDeclaration(DataVolume(VOLUME_ID, 1, "ext4")), VolumeDeclaration(NEW.volume)]
)
def test_a_declaration_is_read_as_it_was_written(declaration: VolumeDeclaration) -> None:
    text = format_volume_declaration(declaration)

    assert parse_volume_declaration(text) == declaration


def test_the_example_of_the_page_is_valid() -> None:
    [example] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)

    assert parse_volume_declaration(example) == NEW
    assert format_volume_declaration(NEW) == example.strip()


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "guestagent_volume: expected a JSON text, found empty"),
        ("id=1", "guestagent_volume: expected a JSON text, found not JSON"),
        ("[]", "guestagent_volume: expected a mapping, found a list"),
        (None, "guestagent_volume: expected a mapping, found nothing"),
        (
            {"Id": VOLUME_ID},
            "guestagent_volume.SizeGiB: expected an integer from 1 to 16384, found nothing",
        ),
        (
            {"Id": VOLUME_ID.upper(), "SizeGiB": 1},
            "guestagent_volume.Id: expected a volume's id (a UUID in lower case), found another string",
        ),
        (
            {"Id": {"Ref": "Data"}, "SizeGiB": 1},
            "guestagent_volume.Id: expected a value, found the template function <Data>",
        ),
        (
            {"Id": VOLUME_ID, "SizeGiB": 1, "FileSystem": "btrfs"},
            "guestagent_volume.FileSystem: expected xfs or ext4, found another word",
        ),
        (
            {"Id": VOLUME_ID, "SizeGiB": 1, "New": "yes"},
            "guestagent_volume.New: expected true or false, found a string",
        ),
        (
            {"Id": VOLUME_ID, "SizeGiB": 1, "Nodes": "x"},
            "guestagent_volume.Nodes: expected one of Cluster, FileSystem, Id, New, Node, SizeGiB, found an unknown "
            "key (did you mean Node?)",
        ),
    ],
)
def test_a_problem_names_its_place(value: object, problem: str) -> None:
    with pytest.raises(InvalidMetadata) as raised:
        parse_volume_declaration(value)

    assert str(raised.value) == problem


def test_a_value_that_nova_would_reject_is_not_written() -> None:
    name = "n" * 100

    with pytest.raises(InvalidMetadata, match=f"at most {VALUE_LENGTH_LIMIT} characters"):
        format_volume_declaration(VolumeDeclaration(NEW.volume, name, name))
