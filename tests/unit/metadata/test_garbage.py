"""Any content of a document is either read, or rejected with the one exception that `parse` documents."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from guestagent.errors import InvalidMetadata
from guestagent.metadata import documents, parse, salvage_document
from tests.support import document_strategies


@given(document_strategies.garbage | document_strategies.damaged_documents())
def test_garbage_is_refused_in_one_way(document: object) -> None:
    try:
        parse(document)
    except InvalidMetadata as error:
        assert error.problems
        assert str(error)


@given(document_strategies.garbage | document_strategies.damaged_documents())
def test_garbage_may_hold_a_handle_or_not(document: object) -> None:
    salvaged_document = salvage_document(document)

    assert salvaged_document is None or salvaged_document.handle is not None


@given(
    st.text() | st.binary() | st.sampled_from("{}[]&*!|>%@:-?#,'\"\t\n 0b_0x_1").flatmap(lambda c: st.text(c))
)
def test_any_text_is_a_document_or_is_refused_in_one_way(text: str | bytes) -> None:
    with suppress(InvalidMetadata):
        documents(text)


@given(
    document_strategies.garbage
    | st.dictionaries(
        st.sampled_from(["Resources", "resources", "A"]), document_strategies.damaged_documents()
    )
)
def test_any_object_is_taken_apart_or_refused_in_one_way(content: object) -> None:
    with suppress(InvalidMetadata):
        documents(content)


def test_a_value_that_contains_itself_is_refused() -> None:
    join: dict[str, object] = {}
    join["Fn::Join"] = [join]
    users: list[object] = []
    users.append(users)
    source: dict[str, object] = {}
    source["User"] = source

    problems = list_problems({"ReadyWaitCondition": join, "Users": users, "Master": source})

    assert (
        "ReadyWaitCondition: expected a function of at most 1000 JSON values, 20 deep, found another"
        in problems
    )
    assert "Users[0]: expected a mapping, found a list" in problems


def test_values_that_multiply_are_refused_soon() -> None:
    layer: list[object] = [1] * 9
    for _ in range(20):
        layer = [layer] * 9

    problems = list_problems({"ReadyWaitCondition": {"Fn::Join": layer}})

    assert problems == [
        "ReadyWaitCondition: expected a function of at most 1000 JSON values, 20 deep, found another"
    ]


def test_a_very_deep_text_is_refused() -> None:
    for text in ("[" * 100_000, "{a: " * 5000, '{"a":' * 100_000):
        problems = list_text_problems(text)

        assert problems == [
            "document: expected YAML or JSON, found lists or mappings that are nested too deep"
        ]


def test_a_number_without_end_is_refused() -> None:
    digits = "9" * 5000

    assert list_text_problems(f'{{"a": {digits}}}') == [
        "document: expected YAML or JSON, found a number that is too long"
    ]
    assert list_text_problems(f"a: {digits}")[0].endswith(
        "a value that cannot be read (quote it) at line 1, column 4"
    )
    assert list_problems({"ReadyWaitCondition": {"Ref": "H"}, "GuestAgent": {"ServerId": 10**5000}}) == [
        "GuestAgent.ServerId: expected an integer from 1 to 4294967295, found one of more than 19 digits"
    ]


def list_problems(document: object) -> list[str]:
    try:
        parse(document)
    except InvalidMetadata as error:
        return [str(problem) for problem in error.problems]
    return []


def list_text_problems(text: str) -> list[str]:
    try:
        documents(text)
    except InvalidMetadata as error:
        return [str(problem) for problem in error.problems]
    return []
