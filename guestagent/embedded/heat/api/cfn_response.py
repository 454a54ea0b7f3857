"""The XML of heat-api-cfn: answers and errors."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, tostring

from starlette.responses import Response


def build_access_denied(reason: str = "") -> Response:
    """Build the 403 of Heat, which has many causes: it gives none for a bad signature."""
    return build_error(403, "AccessDenied", f"User is not authorized to perform action{reason}")


def build_error(code: int, resource_name: str, message: str, side: str = "Sender") -> Response:
    """Build an error response. `side` is the one that caused it: Sender or Server."""
    return build_xml_response(
        {"ErrorResponse": {"Error": {"Type": side, "Code": resource_name, "Message": message}}}, code
    )


def build_xml_response(content: Mapping[str, object], code: int = 200) -> Response:
    """Build a response whose one root element has this content."""
    [(resource_name, value)] = content.items()
    root = Element(resource_name)
    _fill_element(root, value)
    return Response(tostring(root), code, media_type="application/xml")


def _fill_element(element: Element, value: object) -> None:
    if isinstance(value, Mapping):
        for resource_name, child in value.items():
            _fill_element(SubElement(element, resource_name), child)
    elif value is not None:
        element.text = str(value)
