"""heat-api: stacks, resources, events, outputs, templates.

Reads that would have endangered a real stack in progress are answered, and recorded.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from guestagent.embedded.heat.api import stack_views
from guestagent.embedded.heat.api.policy import AccessRules
from guestagent.embedded.heat.api.request_parts import (
    build_base_url,
    matches_resource,
    matches_stack,
    read_body,
    read_signal_body,
    select_page,
)
from guestagent.embedded.heat.api.resource_marks import mark_resource
from guestagent.embedded.heat.api.stack_requests import (
    check_stack_name,
    parse_patch,
    parse_request,
    read_flag,
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
    """The routes of heat-api over the engine. `identity` authenticates callers: stacks' users may do very little."""

    def __init__(self, engine: Engine, unsafe_reads: UnsafeReads, identity: IdentityApi) -> None:
        self._engine, self._unsafe_reads, self._policy = engine, unsafe_reads, AccessRules(identity)

    def build_routes(self) -> list[Route]:
        resource_path = STACK_PATH + "/resources/{resource}"
        members, guests = self._policy.allow_members, self._policy.allow_stack_users
        methods = ["GET", "PUT", "PATCH", "DELETE"]
        return [
            Route("/", _show_versions),
            Route(
                "/v1/{project}/validate",
                members("stacks:validate_template", self._validate_template),
                methods=["POST"],
            ),
            Route("/v1/{project}/build_info", members("build_info:build_info", _show_build_info)),
            Route(
                "/v1/{project}/resource_types",
                members("stacks:list_resource_types", self._list_resource_types),
            ),
            Route(
                "/v1/{project}/template_versions",
                members("stacks:list_template_versions", _list_template_versions),
            ),
            Route("/v1/{project}/stacks", members("stacks:index", self._list_stacks)),
            Route("/v1/{project}/stacks", members("stacks:create", self._create_stack), methods=["POST"]),
            Route("/v1/{project}/stacks/detail", members("stacks:index", self._list_stacks)),
            Route("/v1/{project}/stacks/{name}", guests(self._redirect_to_stack), methods=methods),
            *(
                Route(f"/v1/{{project}}/stacks/{{name}}/{sub}", guests(self._redirect_to_stack))
                for sub in STACK_SUBPATHS
            ),
            Route(STACK_PATH, members("stacks:show", self._show_stack)),
            Route(STACK_PATH, members("stacks:update", self._update_stack), methods=["PUT", "PATCH"]),
            Route(STACK_PATH, members("stacks:delete", self._delete_stack), methods=["DELETE"]),
            Route(STACK_PATH + "/template", members("stacks:template", self._show_template)),
            Route(STACK_PATH + "/environment", members("stacks:environment", self._show_environment)),
            Route(STACK_PATH + "/files", members("stacks:files", self._list_files)),
            Route(STACK_PATH + "/outputs", members("stacks:list_outputs", self._list_outputs)),
            Route(STACK_PATH + "/outputs/{key}", members("stacks:show_output", self._show_output)),
            Route(STACK_PATH + "/events", members("events:index", self._list_events)),
            Route(STACK_PATH + "/resources", members("resource:index", self._list_resources)),
            Route(resource_path, members("resource:show", self._show_resource)),
            Route(resource_path, members("resource:mark_unhealthy", self._mark_resource), methods=["PATCH"]),
            Route(resource_path + "/metadata", guests(self._show_metadata)),
            Route(resource_path + "/signal", guests(self._signal_resource), methods=["POST"]),
            Route(resource_path + "/events", members("events:index", self._list_events)),
            Route(resource_path + "/events/{event}", members("events:show", self._show_event)),
        ]

    async def _list_stacks(self, request: Request) -> Response:
        query = request.query_params
        shows_deleted = read_flag(query, "show_deleted")
        stacks = self._engine.stacks.values() if shows_deleted else self._engine.list_stacks()
        rows = [stack for stack in sorted(stacks, key=lambda s: s.created_at) if matches_stack(stack, query)]
        base = build_base_url(request)
        page = select_page(rows, lambda stack: stack.id, query)
        return JSONResponse({"stacks": [stack_views.format_stack_summary(stack, base) for stack in page]})

    async def _create_stack(self, request: Request) -> Response:
        body = await read_body(request)
        name = check_stack_name(body.get("stack_name"))
        stack = self._engine.create_stack(
            name, request.path_params["project"], parse_request(body, EMPTY_TEMPLATE, {})
        )
        address = build_base_url(request) + stack_views.build_stack_path(stack)
        view = {"id": stack.id, "links": [{"href": address, "rel": "self"}]}
        return JSONResponse({"stack": view}, 201, {"Location": address})

    async def _validate_template(self, request: Request) -> Response:
        stack_request = parse_request(await read_body(request), EMPTY_TEMPLATE, {})
        try:
            self._engine.validate_request(stack_request)
        except StackValidationFailed as error:
            raise HTTPBadRequest(str(error)) from error
        return JSONResponse(
            stack_views.format_validation(stack_request.template, stack_request.input_parameters)
        )

    async def _list_resource_types(self, request: Request) -> Response:
        return JSONResponse({"resource_types": sorted(self._engine.resource_types)})

    async def _redirect_to_stack(self, request: Request) -> Response:
        """Redirect a request by name or id alone to the stack's canonical address, as Heat does."""
        stack = self._find_visible_stack(request, request.path_params["name"])
        last_part = request.url.path.rsplit("/", 1)[-1]
        subpath = (last_part,) if last_part in STACK_SUBPATHS else ()
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(
            build_base_url(request) + stack_views.build_stack_path(stack, *subpath) + query, 302
        )

    async def _show_stack(self, request: Request) -> Response:
        stack = self._get_stack(request)
        view = stack_views.format_stack(stack, build_base_url(request))
        if read_flag(request.query_params, "resolve_outputs", default=True) and stack.deleted_at is None:
            self._unsafe_reads.record_read(stack, "stack show with outputs resolved")
            view["outputs"] = stack_views.format_outputs(stack, self._engine.resource_types)
        return JSONResponse({"stack": view})

    async def _update_stack(self, request: Request) -> Response:
        stack = self._get_stack(request)
        body = await read_body(request)
        stack_request = (
            parse_patch(body, stack.template, stack.input_parameters, stack.tags)
            if request.method == "PATCH"
            else parse_request(body, EMPTY_TEMPLATE, {})
        )
        self._engine.update_stack(_check_not_deleted(stack), stack_request)
        return Response(status_code=202)

    async def _delete_stack(self, request: Request) -> Response:
        self._engine.delete_stack(_check_not_deleted(self._get_stack(request)))
        return Response(status_code=204)

    async def _show_template(self, request: Request) -> Response:
        return JSONResponse(dict(self._get_stack(request).template.source))

    async def _show_environment(self, request: Request) -> Response:
        return JSONResponse(stack_views.format_environment(self._get_stack(request)))

    async def _list_files(self, request: Request) -> Response:
        self._get_stack(request)
        return JSONResponse({})

    async def _list_outputs(self, request: Request) -> Response:
        outputs = self._get_stack(request).template.outputs.values()
        rows = [{"output_key": output.name, "description": output.description} for output in outputs]
        return JSONResponse({"outputs": rows})

    async def _show_output(self, request: Request) -> Response:
        stack, key = self._get_stack(request), request.path_params["key"]
        if key not in stack.template.outputs:
            raise NotFound("Specified output key {} not found.")  # Heat's own text
        self._unsafe_reads.record_read(stack, "output show")
        types, output = self._engine.resource_types, stack.template.outputs[key]
        return JSONResponse({"output": stack_views.format_output(stack, types, output)})

    async def _list_events(self, request: Request) -> Response:
        stack, name = self._get_stack(request), request.path_params.get("resource")
        query, base = request.query_params, build_base_url(request)
        rows = [event for event in stack.events if name is None or event.resource == name]
        if query.get("sort_dir", "asc" if "sort_keys" in query else "desc") == "desc":
            rows.reverse()  # by default the newest comes first
        page = select_page(rows, lambda event: event.id, query)
        return JSONResponse({"events": [stack_views.format_event(event, stack, base) for event in page]})

    async def _show_event(self, request: Request) -> Response:
        stack, event_id = self._get_stack(request), request.path_params["event"]
        for event in stack.events:
            if event.id == event_id:
                view = stack_views.format_event_details(event, stack, build_base_url(request))
                return JSONResponse({"event": view})
        raise NotFound(f"No event {event_id} found")

    async def _list_resources(self, request: Request) -> Response:
        stack, query = self._get_stack(request), request.query_params
        if len(query.getlist("type")) > 1:
            raise HTTPBadRequest
        base, types = build_base_url(request), self._engine.resource_types
        rows = [resource for resource in stack.resources.values() if matches_resource(resource, query)]
        if read_flag(query, "with_detail"):
            self._unsafe_reads.record_read(stack, "resource list with details")
            views = [stack_views.format_resource_details(row, stack, base, types) for row in rows]
        else:
            views = [stack_views.format_resource(row, stack, base) for row in rows]
        return JSONResponse({"resources": views})

    async def _show_resource(self, request: Request) -> Response:
        stack = self._get_stack(request)
        resource = _get_resource(stack, request)
        self._unsafe_reads.record_read(stack, f"resource show {resource.name}")
        base, types = build_base_url(request), self._engine.resource_types
        view = stack_views.format_resource_details(resource, stack, base, types)
        return JSONResponse({"resource": view})

    async def _mark_resource(self, request: Request) -> Response:
        stack = self._get_stack(request)
        mark_resource(stack, _get_resource(stack, request), await read_body(request))
        return JSONResponse(None)

    async def _show_metadata(self, request: Request) -> Response:
        """Show a resource's metadata. A guest's polling harms no stack; a person's reading might."""
        caller = self._policy.get_caller(request)
        stack = self._get_stack(request)
        name = request.path_params["resource"]
        if caller.user is None:
            self._unsafe_reads.record_read(stack, f"metadata of {name}")
        elif not caller.user.can_read_metadata or caller.user.resource != name:
            raise Forbidden
        return JSONResponse({"metadata": _get_resource(stack, request).metadata})

    async def _signal_resource(self, request: Request) -> Response:
        """Signal a resource. Heat returns 200 even for a signal that it ignores."""
        stack = self._get_stack(request)
        resource = _get_resource(stack, request)
        body = await read_signal_body(request)
        try:
            self._engine.signal_resource(stack, resource, body)
        except ValueError:
            pass
        return JSONResponse(None)

    def _get_stack(self, request: Request) -> HeatStack:
        name = request.path_params["name"]
        stack = self._engine.stacks.get(request.path_params["id"])
        if stack is None or stack.name != name or not self._can_see(request, stack):
            raise EntityNotFound(f"The Stack ({name}) could not be found.")
        return stack

    def _find_visible_stack(self, request: Request, name_or_id: str) -> HeatStack:
        stack = self._engine.find_stack(name_or_id)
        if not self._can_see(request, stack):
            raise EntityNotFound(f"The Stack ({name_or_id}) could not be found.")
        return stack

    def _can_see(self, request: Request, stack: HeatStack) -> bool:
        """Whether the stack belongs to the caller's project, or the caller is one of its guests."""
        return self._policy.get_caller(request).project in (stack.project, stack.user_project)


def _check_not_deleted(stack: HeatStack) -> HeatStack:
    if stack.deleted_at is not None:
        raise EntityNotFound(f"The Stack ({stack.name}) could not be found.")
    return stack


def _get_resource(stack: HeatStack, request: Request) -> StackResource:
    name = request.path_params["resource"]
    if name not in stack.resources:
        raise ResourceNotFound(f"The Resource ({name}) could not be found in Stack {stack.name}.")
    return stack.resources[name]


async def _show_versions(request: Request) -> Response:
    href = f"{request.base_url}v1/"
    version = {"id": "v1.0", "status": "CURRENT", "links": [{"rel": "self", "href": href}]}
    return JSONResponse({"versions": [version]}, 300)


async def _list_template_versions(request: Request) -> Response:
    return JSONResponse({"template_versions": list_versions()})


async def _show_build_info(request: Request) -> Response:
    return JSONResponse({"api": {"revision": "embedded"}, "engine": {"revision": "embedded"}})
