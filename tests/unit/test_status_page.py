"""The schemas on the page of `status --json` fit what the commands print."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT.joinpath("docs/reference/status-json.md").read_text(encoding="utf-8")
ANSWERS = ROOT / "tests/unit/golden/data/answers"
OF_NODE, OF_CLUSTER = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
# What the golden files hide, because it differs from one run to the next.
HIDDEN = {"<seconds>": 1.5, "<text>": "text"}


def read_answer(path: Path) -> Any:
    def show(value: dict[str, Any]) -> dict[str, Any]:
        return {key: HIDDEN.get(each, each) if isinstance(each, str) else each for key, each in value.items()}

    return json.loads(path.read_text(encoding="utf-8"), object_hook=show)["answer"]


@pytest.mark.parametrize("path", sorted((ANSWERS / "status").glob("*.json")), ids=lambda path: path.stem)
def test_the_status_of_a_node_fits_its_schema(path: Path) -> None:
    answer = read_answer(path)

    jsonschema.Draft202012Validator(OF_NODE).validate(answer)
    assert set(answer) == set(OF_NODE["properties"])


@pytest.mark.parametrize(
    "path", sorted((ANSWERS / "cluster-status").glob("*.json")), ids=lambda path: path.stem
)
def test_the_status_of_a_cluster_fits_its_schema(path: Path) -> None:
    answer = read_answer(path)

    jsonschema.Draft202012Validator(OF_CLUSTER).validate(answer)
    assert set(answer) == set(OF_CLUSTER["properties"])
