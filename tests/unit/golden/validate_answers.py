"""Golden answers of `validate` and `elements-path`."""

from __future__ import annotations

import json
from pathlib import Path

from guestagent.package_data import find_package_data
from tests.unit.golden.command_line import answer_command
from tests.unit.golden.documents import DOCUMENTS
from tests.unit.golden.golden_file import DATA, WRITTEN_BY, add_golden, golden
from tests.unit.golden.guest_files import DOCUMENT

VALUE = {"Ref": "Value"}
USER = {"name": VALUE, "password": VALUE}
SOURCE_OF_FUNCTIONS = {
    "ReadyWaitCondition": VALUE,
    "Users": [USER],
    "GuestAgent": {"TLS": {"CA": VALUE}, "Variables": {"max_connections": VALUE}},
}
REPLICA_OF_FUNCTIONS = {
    "ReadyWaitCondition": VALUE,
    "Master": {"Address": VALUE, "User": USER},
    "GuestAgent": {"TLS": {"CA": VALUE, "Certificate": VALUE, "Key": VALUE}},
}
"""Documents with a template function in every place that may have one."""


def add_validate(name: str, *words: str | Path) -> None:
    add_golden(
        f"answers/validate/{name}.json", lambda folder: answer_command(["validate", *map(str, words)], folder)
    )


def add_content(name: str, content: str, *words: str) -> None:
    """Register the answer to a document with this content."""

    def build(folder: Path) -> str:
        (folder / "document.json").write_text(content, encoding="utf-8")
        return answer_command(["validate", str(folder / "document.json"), *words], folder)

    add_golden(f"answers/validate/{name}.json", build)


for _name in DOCUMENTS:
    add_validate(_name, DATA / "files" / "metadata" / f"{_name}.json")
add_validate("template", DATA / "files" / "templates" / "everything.cfn.yaml")
add_validate("one-node", DATA / "files" / "templates" / "everything.hot.yaml", "--node", "Slave0001")
add_validate("template-of-2013", WRITTEN_BY / "people" / "template-of-2013.yaml")
add_validate("error-no-file", "/nowhere/document.json")
add_content("functions-source", json.dumps(SOURCE_OF_FUNCTIONS))
add_content("functions-replica", json.dumps(REPLICA_OF_FUNCTIONS))
add_content("other-keys", json.dumps(DOCUMENT))
add_content("error-no-document", "[")
add_content("error-no-such-node", json.dumps(DOCUMENT), "--node", "Slave0000")
add_content(
    "error-problems", '{"Users": 1, "Master": {"Address": "x y"}, "GuestAgent": {"Node": 1, "Nodes": 1}}'
)


@golden("answers/elements-path/folder.json")
def build_elements_path(folder: Path) -> str:
    """Build the answer without the folder of this checkout."""
    return answer_command(
        ["elements-path"], folder, texts={str(find_package_data("elements").parent): "<prefix>"}
    )
