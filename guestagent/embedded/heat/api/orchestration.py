"""heat-api: stacks, resources, events, outputs, templates.

Reads that would have endangered a real stack in progress are answered, and noted.
"""

from __future__ import annotations

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from guestagent.embedded.heat.api import stack_views
from guestagent.embedded.heat.api.policy import AccessRules
from guestagent.embedded.heat.api.stack_requests import (
    check_stack_name,
    parse_patch,
    parse_request,
    read_flag,
    read_number,
)
from guestagent.embedded.heat.engine import Engine
from guestagent.embedded.heat.errors import ResourceNotFound
from guestagent.embedded.heat.resources.stack import HeatStack, StackResource
from guestagent.embedded.heat.template.errors import StackValidationFailed
from guestagent.embedded.heat.template.parser import EMPTY_TEMPLATE
from guestagent.embedded.heat.template.template_format import list_versions
from guestagent.embedded.heat.unsafe_reads import UnsafeReads
from guestagent.embedded.http.errors import EntityNotFound, Forbidden, HTTPBadRequest, NotFound
from guestagent.embedded.openstack.keystone.api import IdentityApi

STACK_PATH = "/v1/{project}/stacks/{name}/{id}"
STACK_SUBPATHS = ("resources", "events", "template", "environment", "files")


class OrchestrationApi:
    """The routes of heat-api over the engine. `identity` tells who asks: stacks' users may do very little."""

    def __init__(self, engine: Engine, dangerous: UnsafeReads, identity: IdentityApi) -> None:
        self._engine, self._dangerous, self._policy = engine, dangerous, AccessRules(identity)

    def build_routes(self) -> list[Route]:
        below = STACK_PATH + "/resources/{resource}"
        members, guests = self._policy.allow_members, self._policy.allow_stack_users
        every = ["GET", "PUT", "PATCH", "DELETE"]
        return [
            Route("/", _versions),
            Route(
                "/v1/{project}/validate",
                members("stacks:validate_template", self._validate),
                methods=["POST"],
            ),
            Route("/v1/{project}/build_info", members("build_info:build_info", _build_info)),
            Route("/v1/{project}/resource_types", members("stacks:list_resource_types", self._types)),
            Route("/v1/{project}/template_versions", members("stacks:list_template_versions", _languages)),
            Route("/v1/{project}/stacks", members("stacks:index", self._list)),
            Route("/v1/{project}/stacks", members("stacks:create", self._create), methods=["POST"]),
            Route("/v1/{project}/stacks/detail", members("stacks:index", self._list)),
            Route("/v1/{project}/stacks/{name}", guests(self._lookup), methods=every),
            *(
                Route(f"/v1/{{project}}/stacks/{{name}}/{sub}", guests(self._lookup))
                for sub in STACK_SUBPATHS
            ),
            Route(STACK_PATH, members("stacks:show", self._show)),
            Route(STACK_PATH, members("stacks:update", self._update), methods=["PUT", "PATCH"]),
            Route(STACK_PATH, members("stacks:delete", self._delete), methods=["DELETE"]),
            Route(STACK_PATH + "/template", members("stacks:template", self._template)),
            Route(STACK_PATH + "/environment", members("stacks:environment", self._environment)),
            Route(STACK_PATH + "/files", members("stacks:files", self._files)),
            Route(STACK_PATH + "/outputs", members("stacks:list_outputs", self._outputs)),
            Route(STACK_PATH + "/outputs/{key}", members("stacks:show_output", self._output)),
            Route(STACK_PATH + "/events", members("events:index", self._events)),
            Route(STACK_PATH + "/resources", members("resource:index", self._resources)),
            Route(below, members("resource:show", self._resource)),
            Route(below + "/metadata", guests(self._metadata)),
            Route(below + "/signal", guests(self._signal), methods=["POST"]),
            Route(below + "/events", members("events:index", self._events)),
            Route(below + "/events/{event}", members("events:show", self._event)),
        ]

    async def _list(self, request: Request) -> Response:
        asked = request.query_params
        stacks = (
            self._engine.stacks.values() if read_flag(asked, "show_deleted") else self._engine.list_stacks()
        )
        chosen = [stack for stack in sorted(stacks, key=lambda s: s.created_at) if _matches(stack, request)]
        if marker := asked.get("marker"):
            ids = [stack.id for stack in chosen]
            chosen = chosen[ids.index(marker) + 1 :] if marker in ids else []
        if limit := read_number(asked, "limit"):
            chosen = chosen[:limit]
        return JSONResponse(
            {"stacks": [stack_views.format_stack_summary(stack, _base(request)) for stack in chosen]}
        )

    async def _create(self, request: Request) -> Response:
        body = await _body(request)
        name = check_stack_name(body.get("stack_name"))
        stack = self._engine.create_stack(
            name, request.path_params["project"], parse_request(body, EMPTY_TEMPLATE, {})
        )
        address = _base(request) + stack_views.build_stack_path(stack)
        created = {"id": stack.id, "links": [{"href": address, "rel": "self"}]}
        return JSONResponse({"stack": created}, 201, {"Location": address})

    async def _validate(self, request: Request) -> Response:
        asked = parse_request(await _body(request), EMPTY_TEMPLATE, {})
        try:
            self._engine.validate_request(asked)
        except StackValidationFailed as refused:
            raise HTTPBadRequest(str(refused)) from refused
        return JSONResponse(stack_views.format_validation(asked.template, asked.input_parameters))

    async def _types(self, request: Request) -> Response:
        return JSONResponse({"resource_types": sorted(self._engine.resource_types)})

    async def _lookup(self, request: Request) -> Response:
        """By name or id alone: Heat answers with the canonical address."""
        stack = self._visible(request, request.path_params["name"])
        last = request.url.path.rsplit("/", 1)[-1]
        below = (last,) if last in STACK_SUBPATHS else ()
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(_base(request) + stack_views.build_stack_path(stack, *below) + query, 302)

    async def _show(self, request: Request) -> Response:
        stack = self._stack(request)
        shown = stack_views.format_stack(stack, _base(request))
        if read_flag(request.query_params, "resolve_outputs", default=True) and stack.deleted_at is None:
            self._dangerous.record_read(stack, "stack show with outputs resolved")
            shown["outputs"] = stack_views.format_outputs(stack, self._engine.resource_types)
        return JSONResponse({"stack": shown})

    async def _update(self, request: Request) -> Response:
        stack = self._stack(request)
        body = await _body(request)
        patched = request.method == "PATCH"
        asked = (
            parse_patch(body, stack.template, stack.input_parameters, stack.tags)
            if patched
            else parse_request(body, EMPTY_TEMPLATE, {})
        )
        self._engine.update_stack(_living(stack), asked)
        return Response(status_code=202)

    async def _delete(self, request: Request) -> Response:
        self._engine.delete_stack(_living(self._stack(request)))
        return Response(status_code=204)

    async def _template(self, request: Request) -> Response:
        return JSONResponse(dict(self._stack(request).template.source))

    async def _environment(self, request: Request) -> Response:
        return JSONResponse(stack_views.format_environment(self._stack(request)))

    async def _files(self, request: Request) -> Response:
        self._stack(request)
        return JSONResponse({})

    async def _outputs(self, request: Request) -> Response:
        known = self._stack(request).template.outputs.values()
        rows = [{"output_key": each.name, "description": each.description} for each in known]
        return JSONResponse({"outputs": rows})

    async def _output(self, request: Request) -> Response:
        stack, key = self._stack(request), request.path_params["key"]
        if key not in stack.template.outputs:
            raise NotFound("Specified output key {} not found.")  # so says Heat
        self._dangerous.record_read(stack, "output show")
        return JSONResponse(
            {
                "output": stack_views.format_output(
                    stack, self._engine.resource_types, stack.template.outputs[key]
                )
            }
        )

    async def _events(self, request: Request) -> Response:
        stack, name = self._stack(request), request.path_params.get("resource")
        asked = request.query_params
        rows = [each for each in stack.events if name is None or each.resource == name]
        if asked.get("sort_dir", "asc" if "sort_keys" in asked else "desc") == "desc":
            rows.reverse()  # without a wish: the newest first
        if marker := asked.get("marker"):
            ids = [each.id for each in rows]
            rows = rows[ids.index(marker) + 1 :] if marker in ids else []
        if limit := read_number(asked, "limit"):
            rows = rows[:limit]
        return JSONResponse(
            {"events": [stack_views.format_event(each, stack, _base(request)) for each in rows]}
        )

    async def _event(self, request: Request) -> Response:
        stack, wanted = self._stack(request), request.path_params["event"]
        for each in stack.events:
            if each.id == wanted:
                return JSONResponse({"event": stack_views.format_event_details(each, stack, _base(request))})
        raise NotFound(f"No event {wanted} found")

    async def _resources(self, request: Request) -> Response:
        stack, asked = self._stack(request), request.query_params
        if len(asked.getlist("type")) > 1:
            raise HTTPBadRequest
        rows = [each for each in stack.resources.values() if _chosen(each, asked)]
        if read_flag(asked, "with_detail"):
            self._dangerous.record_read(stack, "resource list with details")
            shown = [
                stack_views.format_resource_details(each, stack, _base(request), self._engine.resource_types)
                for each in rows
            ]
        else:
            shown = [stack_views.format_resource(each, stack, _base(request)) for each in rows]
        return JSONResponse({"resources": shown})

    async def _resource(self, request: Request) -> Response:
        stack = self._stack(request)
        each = _resource(stack, request)
        self._dangerous.record_read(stack, f"resource show {each.name}")
        return JSONResponse(
            {
                "resource": stack_views.format_resource_details(
                    each, stack, _base(request), self._engine.resource_types
                )
            }
        )

    async def _metadata(self, request: Request) -> Response:
        """A guest's polling harms no stack; a person's reading might."""
        caller = self._policy.get_caller(request)
        stack = self._stack(request)
        name = request.path_params["resource"]
        if caller.user is None:
            self._dangerous.record_read(stack, f"metadata of {name}")
        elif not caller.user.can_read_metadata or caller.user.resource != name:
            raise Forbidden
        return JSONResponse({"metadata": _resource(stack, request).metadata})

    async def _signal(self, request: Request) -> Response:
        """By REST whatever parses is 200; bad bodies vanish. One that is no JSON object counts as none at all."""
        stack = self._stack(request)
        each = _resource(stack, request)
        sent = await request.body()
        body = await _body(request) if _holds_json(request, sent) else None
        try:
            self._engine.signal_resource(stack, each, body)
        except ValueError:
            pass
        return JSONResponse(None)

    def _stack(self, request: Request) -> HeatStack:
        name = request.path_params["name"]
        stack = self._engine.stacks.get(request.path_params["id"])
        if stack is None or stack.name != name or not self._sees(request, stack):
            raise EntityNotFound(f"The Stack ({name}) could not be found.")
        return stack

    def _visible(self, request: Request, name_or_id: str) -> HeatStack:
        stack = self._engine.find_stack(name_or_id)
        if not self._sees(request, stack):
            raise EntityNotFound(f"The Stack ({name_or_id}) could not be found.")
        return stack

    def _sees(self, request: Request, stack: HeatStack) -> bool:
        """Whether it is a stack of the caller's project, or the one whose guest the caller is."""
        return self._policy.get_caller(request).project in (stack.project, stack.user_project)


def _living(stack: HeatStack) -> HeatStack:
    if stack.deleted_at is not None:
        raise EntityNotFound(f"The Stack ({stack.name}) could not be found.")
    return stack


def _resource(stack: HeatStack, request: Request) -> StackResource:
    name = request.path_params["resource"]
    if name not in stack.resources:
        raise ResourceNotFound(f"The Resource ({name}) could not be found in Stack {stack.name}.")
    return stack.resources[name]


def _chosen(resource: StackResource, asked: QueryParams) -> bool:
    """Whether the filters of a resource list let it through; of its type any part will do."""
    has = {"name": resource.name, "status": resource.status, "action": resource.action}
    given = all(not asked.getlist(key) or value in asked.getlist(key) for key, value in has.items())
    return given and asked.get("type", "") in resource.type


def _matches(stack: HeatStack, request: Request) -> bool:
    asked = request.query_params
    has = {
        "name": stack.name,
        "stack_name": stack.name,
        "id": stack.id,
        "status": stack.status,
        "action": stack.action,
    }
    return all(not asked.getlist(key) or value in asked.getlist(key) for key, value in has.items())


async def _body(request: Request) -> dict[str, object]:
    try:
        body = await request.json()
    except ValueError as error:
        raise HTTPBadRequest(str(error)) from error
    if not isinstance(body, dict):
        raise HTTPBadRequest("JSON body must be an object")
    return body


def _holds_json(request: Request, body: bytes) -> bool:
    """What Heat takes for a body: an object, sent as JSON, as plain text or without saying as what."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    return (not kind or kind in ("application/json", "text/plain")) and body.startswith(b"{")


def _base(request: Request) -> str:
    """The API's address up to the project, as this client reached it."""
    return f"{request.base_url.scheme}://{request.base_url.netloc}/v1/{request.path_params['project']}"


async def _versions(request: Request) -> Response:
    href = f"{request.base_url}v1/"
    version = {"id": "v1.0", "status": "CURRENT", "links": [{"rel": "self", "href": href}]}
    return JSONResponse({"versions": [version]}, 300)


async def _languages(request: Request) -> Response:
    return JSONResponse({"template_versions": list_versions()})


async def _build_info(request: Request) -> Response:
    return JSONResponse({"api": {"revision": "embedded"}, "engine": {"revision": "embedded"}})
