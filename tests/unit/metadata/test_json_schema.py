"""The schema and parse say the same, but for what no schema can say."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import jsonschema
from hypothesis import example, given

from guestagent.errors import InvalidMetadata, Problem
from guestagent.metadata import Document, dump, parse, schema
from guestagent.metadata.json_schema import format_schema
from tests.support import document_strategies

VALIDATOR = jsonschema.Draft202012Validator(
    schema(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)


def test_the_shipped_schema_is_the_one_of_the_code() -> None:
    shipped = files("guestagent.metadata").joinpath("schema.json").read_text(encoding="utf-8")

    assert shipped == format_schema(), "guestagent validate --schema > guestagent/metadata/schema.json"


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@given(document_strategies.documents)
def test_the_schema_admits_every_document(document: Document) -> None:
    assert VALIDATOR.is_valid(dump(document))


@example({"ReadyWaitCondition": {"Fn::GetAtt": ["A", {"Ref": None}]}})
@given(document_strategies.damaged_documents(document_strategies.json_values))
def test_the_schema_and_parse_agree(document: Any) -> None:
    is_valid = VALIDATOR.is_valid(document)

    problems = list_problems(document)

    assert is_valid == (not problems) or (
        is_valid and all(is_beyond_schema(problem, document) for problem in problems)
    ), problems


def list_problems(document: object) -> tuple[Problem, ...]:
    try:
        parse(document)
    except InvalidMetadata as error:
        return error.problems
    return ()


def is_beyond_schema(problem: Problem, document: Any) -> bool:
    """Whether a problem is of those that the schema's own comment excepts."""
    half_user = problem.path.startswith("Users[") and problem.found == "nothing"
    digits_out_of_range = problem.expected.startswith("an integer") and problem.found[-1].isdigit()
    named = (
        "names that differ",
        "each variable once",
        "a function of at most",
        "a URL with a host and a port",
    )
    return (
        half_user
        or digits_out_of_range
        or problem.expected.startswith(named)
        or problem.found.endswith(("which has host bits", "spelled otherwise"))
        or problem.path == "GuestAgent.Network"
        or (problem.path.startswith("GuestAgent.Variables.") and problem.found == "another value")
        or (problem.path.startswith("ReadyWaitCondition") and document["ReadyWaitCondition"].startswith("{"))
    )
