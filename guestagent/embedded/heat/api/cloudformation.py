"""heat-api-cfn: signals by presigned URL, and DescribeStackResource for guests that poll."""

from __future__ import annotations

import json
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guestagent.embedded.heat.api import stack_views
from guestagent.embedded.heat.api.cfn_response import build_access_denied, build_error, build_xml_response
from guestagent.embedded.heat.api.signed_request import authenticate_request, read_params
from guestagent.embedded.heat.engine import Engine
from guestagent.embedded.heat.resources import iam
from guestagent.embedded.heat.resources.resource_type import ResourceActionNotSupported
from guestagent.embedded.heat.resources.stack import HeatStack
from guestagent.embedded.http.errors import EntityNotFound, Forbidden
from guestagent.embedded.http.faults import ActiveFaults
from guestagent.embedded.openstack.keystone.ec2_credentials import Ec2Credential

BODY_BYTES_LIMIT = 1 << 20
IGNORED_CONTENT_TYPES = ("application/octet-stream", "application/xml", "text/xml", "multipart/")
CFN_ACTIONS = frozenset(
    {
        "CreateStack", "UpdateStack", "DeleteStack", "CancelUpdateStack", "ListStacks", "ValidateTemplate",
        "EstimateTemplateCost", "GetTemplate", "DescribeStacks", "DescribeStackEvents", "DescribeStackResource",
        "DescribeStackResources", "ListStackResources",
    }
)  # fmt: skip


class CloudFormationApi:
    """The two actions that guests use. A 403 has many causes; Heat gives none for a bad signature."""

    def __init__(self, engine: Engine, faults: ActiveFaults, auth_ttl: timedelta) -> None:
        self._engine, self._faults, self._ttl = engine, faults, auth_ttl

    def build_routes(self) -> list[Route]:
        methods = ["GET", "POST", "PUT", "DELETE"]
        return [
            Route("/v1/waitcondition/{arn:path}", self._signal_resource, methods=methods),
            Route("/v1", self._describe_resource, methods=["GET", "POST"]),
            Route("/v1/", self._describe_resource, methods=["GET", "POST"]),
        ]

    async def _signal_resource(self, request: Request) -> Response:
        body = await request.body()
        credential = authenticate_request(
            request, body, self._engine.context.ec2_credentials, self._faults, self._ttl
        )
        if isinstance(credential, Response):
            return credential
        stack_id, resource_name = _parse_arn(request.path_params["arn"])
        stack = self._engine.stacks.get(stack_id)
        if stack is None or stack.id != credential.stack_id:  # any key of the stack will do
            return build_access_denied()
        if resource_name not in stack.resources:
            return _build_resource_not_found(resource_name, stack)
        body_value = _parse_json_body(request, body)
        if not isinstance(body_value, dict):
            return Response(status_code=500)
        try:
            self._engine.signal_resource(stack, stack.resources[resource_name], body_value)
        except ResourceActionNotSupported as error:
            return _build_invalid_parameter(str(error))
        except ValueError as error:
            return _build_internal_failure(f"ValueError: resources.{resource_name}: {error}")
        return build_xml_response({"resource": resource_name})

    async def _describe_resource(self, request: Request) -> Response:
        body = await request.body()
        credential = authenticate_request(
            request, body, self._engine.context.ec2_credentials, self._faults, self._ttl
        )
        if isinstance(credential, Response):
            return credential
        params = read_params(request, body)
        action = params.get("Action", "")
        if action not in CFN_ACTIONS:
            return build_error(400, "InvalidAction", "The action or operation requested is invalid")
        if action != "DescribeStackResource":
            return build_access_denied(f":Action {action} not allowed for user")
        stack_name, resource_name = params.get("StackName", ""), params.get("LogicalResourceId", "")
        stack = self._find_stack(stack_name)
        if stack is None or stack.id != credential.stack_id:
            return _build_invalid_parameter(f"The Stack ({stack_name}) could not be found.")
        if not _can_describe(stack, credential, resource_name):
            return build_access_denied(f":{Forbidden()}")
        if resource_name not in stack.resources:
            return _build_resource_not_found(resource_name, stack)
        detail = {
            "StackResourceDetail": stack_views.format_cfn_resource(stack.resources[resource_name], stack)
        }
        return build_xml_response({"DescribeStackResourceResponse": {"DescribeStackResourceResult": detail}})

    def _find_stack(self, stack_name: str) -> HeatStack | None:
        """Find a stack by its name, id or ARN."""
        try:
            stack = self._engine.find_stack(
                stack_name.rpartition("/")[2] if stack_name.startswith("arn:") else stack_name
            )
        except EntityNotFound:
            return None
        return None if stack_name.startswith("arn:") and stack_name != stack.arn else stack


def _parse_arn(arn: str) -> tuple[str, str]:
    """Return the stack's id and the resource's name in arn:...:stacks/<name>/<id>/resources/<name>."""
    stack_path, _, resource = arn.rpartition("/resources/")
    return stack_path.rsplit("/", 1)[-1], resource


def _can_describe(stack: HeatStack, credential: Ec2Credential, resource_name: str) -> bool:
    """Whether the key's user may see the resource: a handle's user its handle, others what their policies name."""
    owner = stack.resources.get(credential.resource)
    if owner is None or owner.type != "AWS::IAM::AccessKey":
        return resource_name == credential.resource
    return iam.can_describe(stack, owner, resource_name)


def _parse_json_body(request: Request, body: bytes) -> object:
    content_type = request.headers.get("content-type", "")
    if len(body) > BODY_BYTES_LIMIT or content_type.startswith(IGNORED_CONTENT_TYPES):
        return None
    try:
        return json.loads(body)
    except ValueError:
        return None


def _build_invalid_parameter(reason: str) -> Response:
    return build_error(400, "InvalidParameterValue", f"A bad or out-of-range value was supplied:{reason}")


def _build_resource_not_found(resource_name: str, stack: HeatStack) -> Response:
    return _build_invalid_parameter(
        f"The Resource ({resource_name}) could not be found in Stack {stack.name}."
    )


def _build_internal_failure(detail: str) -> Response:
    message = f"The request processing has failed due to an internal error:{detail}"
    return build_error(500, "InternalFailure", message, "Server")
