"""Documents out of what people have: a document, a resource, a template of either dialect; YAML or JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from guestagent.errors import InvalidMetadata
from guestagent.metadata import Document, Source, UnresolvedFunction, User, documents, parse
from guestagent.secret import Secret
from tests.support.raw_documents import URL, build_replica, build_source

ORIGIN = Path(__file__).with_name("origin")  # the templates of July 2013, to the letter
SLAVE = User("slave0000", Secret("some_random_string"))
HANDLE = UnresolvedFunction("Master0000ReadyWaitCondHandle", '{"Ref":"Master0000ReadyWaitCondHandle"}')
ADDRESS = UnresolvedFunction("Master0000.PrivateIp", '{"Fn::GetAtt":["Master0000","PrivateIp"]}')
# The published replica names a handle that its template does not hold. That is for Heat to find.
REPLICA = Document(
    UnresolvedFunction("SlaveReadyWaitCondHandle", '{"Ref":"SlaveReadyWaitCondHandle"}'),
    source=Source(ADDRESS, SLAVE),
)


def test_the_first_published_template_holds_a_source() -> None:
    [(name, document)] = documents((ORIGIN / "one-source.yaml").read_text())

    assert (name, parse(document)) == ("Master0000", Document(HANDLE))


def test_the_second_published_template_holds_a_source_and_a_replica() -> None:
    named_documents = documents((ORIGIN / "one-replica.yaml").read_text())

    assert [(name, parse(document)) for name, document in named_documents] == [
        ("Master0000", Document(HANDLE, users=(SLAVE,))),
        ("Slave0000", REPLICA),
    ]


def test_a_resource_cut_out_of_a_template_holds_its_document() -> None:
    resource = yaml.safe_load((ORIGIN / "one-replica.yaml").read_text())["Resources"]["Slave0000"]

    for cut in (resource, {"Metadata": resource["Metadata"]}, yaml.safe_dump(resource), json.dumps(resource)):
        [(name, document)] = documents(cut)

        assert (name, parse(document)) == (None, REPLICA)


def test_named_resources_without_their_template_keep_their_names() -> None:
    resources = yaml.safe_load((ORIGIN / "one-replica.yaml").read_text())["Resources"]

    assert [name for name, _ in documents(resources)] == ["Master0000", "Slave0000"]


def test_a_document_is_its_own_only_one() -> None:
    whole: list[dict[str, object]] = [
        build_source(),
        build_replica(),
        {"Users": []},
        {"GuestAgent": {}, "Metadata": {}},
    ]

    for document in whole:
        assert documents(document) == [(None, document)]


@pytest.mark.parametrize("place", [["metadata"], ["properties", "metadata"]])
def test_a_hot_template_is_taken_apart(place: list[str]) -> None:
    server: dict[str, object] = {"ReadyWaitCondition": URL}
    for key in reversed(place):
        server = {key: server}
    template = {
        "heat_template_version": "2018-08-31",
        "resources": {
            "Master0000": {"type": "OS::Nova::Server", **server},
            "Port": {"type": "OS::Neutron::Port"},
        },
    }

    assert documents(yaml.safe_dump(template)) == [("Master0000", {"ReadyWaitCondition": URL})]


def test_dates_stay_what_was_written() -> None:
    [(_, document)] = documents(
        "{ReadyWaitCondition: 2013-07-02, Users: [{name: 2013-07-02, password: 2013-7-2}]}"
    )

    assert document == {
        "ReadyWaitCondition": "2013-07-02",
        "Users": [{"name": "2013-07-02", "password": "2013-7-2"}],
    }


def test_merge_keys_work_as_in_heat() -> None:
    [(_, document)] = documents("ReadyWaitCondition: x\nA: &a {x: 1, y: 1}\nB: {<<: *a, y: 2}\n")

    assert document == {"ReadyWaitCondition": "x", "A": {"x": 1, "y": 1}, "B": {"x": 1, "y": 2}}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Users: [", "expected the node content, but found '<stream end>' at line 1, column 9"),
        ("a: [m1\n", "expected ',' or ']', but got '<stream end>' at line 2, column 1"),
        ("a: !s3%20cret", "could not determine a constructor for the tag (not shown) at line 1, column 4"),
        ("a: 1\n b: 2\n", "mapping values are not allowed here at line 2, column 3"),
        ('{"a": {"b": 1,\n"c": "s3cret"', "Expecting ',' delimiter at line 2, column 14"),
        ("a: 1\n---\nb: 2\n", "but found another document at line 2, column 1"),
        ("a: !!python/object:os.system {}", "could not determine a constructor for the tag "),
        ("a: !s3cret", "could not determine a constructor for the tag (not shown) at line 1, column 4"),
        ("a: !s3'cret", "could not determine a constructor for the tag (not shown) at line 1, column 4"),
        ("a: *s3cret", "found undefined alias (not shown) at line 1, column 4"),
        ("? [a, {}]\n: b\n", "found unhashable key at line 1, column 3"),
        ("a: \u0007", "a character that is not allowed, at character 4"),
        ("password: 0b_", "a value that cannot be read (quote it) at line 1, column 11"),
        (b"a: \xff", "bytes that are not UTF-8, from byte 3"),
    ],
)
def test_text_that_cannot_be_read_is_reported_with_its_position(text: str | bytes, fault: str) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        documents(text, "cluster.yaml")

    [problem] = caught.value.problems
    assert str(problem).startswith("document: expected YAML or JSON, found ")
    assert fault in problem.found
    assert "s3" not in problem.found
    assert caught.value.where == "cluster.yaml"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "a: 1\nb: 2\na: 3\n",
            'the key "a" twice in one mapping at line 3, column 1 (it is at line 1 already)',
        ),
        ('{"a": 1,\n\t"b": {"c": 1,\n\t"c": 2}}', 'the key "c" twice in one mapping at line 3, column 2'),
    ],
)
def test_a_key_given_twice_is_called_what_it_is(text: str, fault: str) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        documents(text)

    assert str(caught.value).startswith(f"document: expected each key once in a mapping, found {fault}")


def test_a_template_without_a_node_is_reported() -> None:
    with pytest.raises(
        InvalidMetadata, match="Resources: expected a resource whose metadata holds ReadyWaitCondition"
    ):
        documents({"Resources": {"A": {"Type": "OS::Heat::Value", "Metadata": {}}}})


def test_a_resource_needs_a_name_that_is_a_string() -> None:
    with pytest.raises(InvalidMetadata, match="Resources: expected a mapping with strings as keys"):
        documents({"Resources": {10**5000: {"Metadata": build_source()}}})


def test_an_empty_text_is_no_document() -> None:
    [(_, document)] = documents("")

    with pytest.raises(InvalidMetadata, match="document: expected a mapping, found nothing"):
        parse(document)
