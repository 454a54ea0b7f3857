"""Properties, and Heat's error messages for them."""

from __future__ import annotations

import pytest

from guestagent.embedded.heat.template import property_schema
from guestagent.embedded.heat.template.errors import StackValidationFailed
from guestagent.embedded.heat.template.property_schema import Property

CONDITION = {
    "Handle": Property("string", required=True),
    "Timeout": Property("integer", required=True, minimum=1, maximum=43200),
    "Count": Property("integer", default=1, minimum=1),
    "Image": Property("string", constraint="Image"),
    "Old": Property("string", implemented=False),
    "Public": Property("boolean"),
    "Tags": Property("list", schema={"Key": Property("string", required=True)}),
    "Profile": Property("map"),
}
GOOD: dict[str, object] = {"Handle": "http://h", "Timeout": 10}


def known(what: str, name: str) -> str:
    return "" if name == "there" else f"The {what} ({name}) could not be found."


def test_values_are_converted_and_defaults_filled_in() -> None:
    given = {"Handle": 7, "Timeout": "10", "Public": "TRUE", "Tags": [{"Key": "a"}], "Image": "there"}

    read = property_schema.convert_properties(given, CONDITION, "P", known)

    assert read == {
        "Handle": "7",
        "Timeout": 10,
        "Count": 1,
        "Image": "there",
        "Old": None,
        "Public": True,
        "Tags": [{"Key": "a"}],
        "Profile": None,
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Nothing": 1}, "Property error: P: Unknown Property Nothing"),
        ({"Handle": None}, "Property error: P: Property Handle not assigned"),
        ({"Old": "x"}, "Property error: P: Property Old not implemented yet"),
        ({"Timeout": 0}, "Property error: P.Timeout: 0 is out of range (min: 1, max: 43200)"),
        ({"Count": 0}, "Property error: P.Count: 0 is out of range (min: 1, max: None)"),
        ({"Timeout": "soon"}, "Property error: P.Timeout: Value 'soon' is not an integer"),
        ({"Timeout": []}, "Property error: P.Timeout: Value '[]' is not an integer"),
        ({"Handle": ["a"]}, "Property error: P.Handle: Value must be a string; got ['a']"),
        ({"Public": "yes"}, 'Property error: P.Public: "yes" is not a valid boolean'),
        ({"Tags": "a"}, "Property error: P.Tags: \"'a'\" is not a list"),
        ({"Tags": ["a"]}, 'Property error: P.Tags[0]: "a" is not a map'),
        ({"Tags": [{}]}, "Property error: P.Tags[0]: Property Key not assigned"),
        ({"Profile": 1}, 'Property error: P.Profile: "1" is not a map'),
        (
            {"Image": "x"},
            "Property error: P.Image: Error validating value 'x': The Image (x) could not be found.",
        ),
    ],
)
def test_errors_have_heats_messages(change: dict[str, object], message: str) -> None:
    with pytest.raises(StackValidationFailed) as caught:
        property_schema.convert_properties({**GOOD, **change}, CONDITION, "P", known)

    assert str(caught.value) == message
