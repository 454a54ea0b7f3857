"""`dump` writes all that `parse` reads; in between the document may be JSON or YAML."""

from __future__ import annotations

import json

import yaml
from hypothesis import given

from guestagent.metadata import Document, documents, dump, parse, shown
from guestagent.secret import Secret
from tests.support import document_strategies


@given(document_strategies.documents)
def test_a_dumped_document_parses_to_its_equal(document: Document) -> None:
    assert parse(dump(document)) == document


@given(document_strategies.documents)
def test_a_document_survives_json(document: Document) -> None:
    text = json.dumps(dump(document))

    [(name, read)] = documents(text)

    assert (name, parse(read)) == (None, document)


@given(document_strategies.documents)
def test_a_document_survives_yaml(document: Document) -> None:
    text = yaml.safe_dump(dump(document), allow_unicode=True)

    [(name, read)] = documents(text)

    assert (name, parse(read)) == (None, document)


@given(document_strategies.documents)
def test_what_people_are_shown_holds_no_secret(document: Document) -> None:
    secrets = [user.password for user in document.users] + [
        document.source.user.password if document.source else ""
    ]

    masked = shown(document)

    values = [user["password"] for user in masked.get("Users", [])]
    values += [masked["Master"]["User"]["password"]] if document.source else []
    values += [masked["ReadyWaitCondition"]]
    assert all(value == "********" or value.startswith("<") for value in values)
    assert repr(document).count("********") >= sum(isinstance(secret, Secret) for secret in secrets)


def test_defaults_are_left_out() -> None:
    document = parse(
        {"ReadyWaitCondition": {"Ref": "Handle"}, "GuestAgent": {"Version": 1, "Generation": "1"}}
    )

    assert dump(document) == {"ReadyWaitCondition": {"Ref": "Handle"}}
