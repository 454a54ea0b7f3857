"""Divides the lists of the embedded services into pages: the services themselves always list everything."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guestagent.embedded.http.errors import HTTPBadRequest, NotFound
from guestagent.embedded.openstack.nova.api import build_compute_error
from guestagent.embedded.openstack.paging.pages import (
    PagedList,
    choose_limit,
    cut_page,
    drop_paging,
    find_list,
    find_marker,
    read_paging,
)

BODY_HEADERS = (b"content-length", b"content-type")


class PagingMiddleware:
    """An ASGI application in front of the services. `page_limit`: the longest page instead of each service's own."""

    def __init__(self, app: ASGIApp, page_limit: int | None = None) -> None:
        self._app, self._page_limit = app, page_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        listed = find_list(scope["path"]) if scope["method"] == "GET" else None
        if listed is None:
            await self._app(scope, receive, send)
            return
        query = scope["query_string"].decode("latin-1")
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app({**scope, "query_string": drop_paging(query).encode("latin-1")}, receive, keep)
        if messages[0]["status"] != 200:
            for message in messages:
                await send(message)
            return
        body = json.loads(b"".join(each.get("body", b"") for each in messages))
        page = self._build_page(Request(scope), listed, body, query)
        page.raw_headers += [each for each in messages[0]["headers"] if each[0] not in BODY_HEADERS]
        await page(scope, receive, send)

    def _build_page(self, request: Request, listed: PagedList, body: dict[str, Any], query: str) -> Response:
        try:
            paging = read_paging(listed, query)
            page, has_next = cut_page(listed, body[listed.rows], paging, self._page_limit)
        except ValueError as error:
            return build_compute_error(request, HTTPBadRequest(str(error)))
        except LookupError as error:
            is_missing = listed.unknown_marker_status == NotFound.status
            return build_compute_error(request, (NotFound if is_missing else HTTPBadRequest)(str(error)))
        links = []
        if has_next:
            links.append(
                {"rel": "next", "href": _build_href(request, listed, query, find_marker(listed, page[-1]))}
            )
        if listed.has_previous and page and choose_limit(listed, paging, self._page_limit) is not None:
            href = _build_href(request, listed, query, find_marker(listed, page[0]))
            links.append({"rel": "previous", "href": f"{href}&page_reverse=True"})
        return JSONResponse({**body, listed.rows: list(page), **_format_links(listed, links)})


def _format_links(listed: PagedList, links: Sequence[Mapping[str, str]]) -> dict[str, object]:
    """Return the links as the service shows them: Glance's is a path alone."""
    if not listed.links or not links:
        return {}
    if listed.links == "next":
        return {"next": links[0]["href"].partition("/image")[2]}
    return {listed.links: list(links)}


def _build_href(request: Request, listed: PagedList, query: str, marker: str) -> str:
    rest = drop_paging(query)
    limit = {key: value for key, value in read_paging(listed, query).items() if key == "limit"}
    paging = urlencode({**limit, "marker": marker})
    return f"{request.url.replace(query='')}?{rest + '&' if rest else ''}{paging}"
