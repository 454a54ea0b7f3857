"""The body, the filters and the paging of requests to heat-api."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from starlette.datastructures import QueryParams
from starlette.requests import Request

from guestagent.embedded.heat.api.stack_requests import read_number
from guestagent.embedded.heat.resources.stack import HeatStack, StackResource
from guestagent.embedded.http.errors import HTTPBadRequest

Row = TypeVar("Row")


def select_page(rows: Sequence[Row], get_id: Callable[[Row], str], query: QueryParams) -> list[Row]:
    """Return the rows behind the `marker`, up to the `limit`; none if no row has the marker's id."""
    page = list(rows)
    if marker := query.get("marker"):
        ids = [get_id(row) for row in page]
        page = page[ids.index(marker) + 1 :] if marker in ids else []
    if limit := read_number(query, "limit"):
        page = page[:limit]
    return page


def matches_resource(resource: StackResource, query: QueryParams) -> bool:
    """Whether the filters of a resource list admit the resource. Any part of its type matches."""
    values = {"name": resource.name, "status": resource.status, "action": resource.action}
    return _matches_values(values, query) and query.get("type", "") in resource.type


def matches_stack(stack: HeatStack, query: QueryParams) -> bool:
    """Whether the filters of a stack list admit the stack."""
    values = {
        "name": stack.name,
        "stack_name": stack.name,
        "id": stack.id,
        "status": stack.status,
        "action": stack.action,
    }
    return _matches_values(values, query)


async def read_body(request: Request) -> dict[str, object]:
    """Read a body that must be a JSON object."""
    try:
        body = await request.json()
    except ValueError as error:
        raise HTTPBadRequest(str(error)) from error
    if not isinstance(body, dict):
        raise HTTPBadRequest("JSON body must be an object")
    return body


async def read_signal_body(request: Request) -> dict[str, object] | None:
    """Read a signal's body. Heat takes an object as JSON, as plain text or without a type; anything else is no body."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    is_json = not content_type or content_type in ("application/json", "text/plain")
    has_object = (await request.body()).startswith(b"{") and is_json
    return await read_body(request) if has_object else None


def build_base_url(request: Request) -> str:
    """Build the API's address up to the project, as this client reached it."""
    return f"{request.base_url.scheme}://{request.base_url.netloc}/v1/{request.path_params['project']}"


def _matches_values(values: dict[str, str], query: QueryParams) -> bool:
    return all(not query.getlist(key) or value in query.getlist(key) for key, value in values.items())
