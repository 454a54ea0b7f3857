"""heat-api-cfn: signals by presigned URL, and DescribeStackResource for guests that poll."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, SubElement, tostring

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guestagent.embedded.heat.api import stack_views
from guestagent.embedded.heat.engine import Engine
from guestagent.embedded.heat.resources import iam
from guestagent.embedded.heat.resources.resource_type import ResourceActionNotSupported
from guestagent.embedded.heat.resources.stack import HeatStack
from guestagent.embedded.host.clock import get_utc_time
from guestagent.embedded.http.errors import EntityNotFound, Forbidden
from guestagent.embedded.http.faults import ActiveFaults
from guestagent.embedded.openstack.keystone import ec2_signature
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
FORM_CONTENT_TYPE = "application/x-www-form-urlencoded"


class CloudFormationApi:
    """The two things that guests ask of Heat. A 403 has many causes: of a signature's Heat tells none."""

    def __init__(self, engine: Engine, faults: ActiveFaults, auth_ttl: timedelta) -> None:
        self._engine, self._faults, self._ttl = engine, faults, auth_ttl

    def build_routes(self) -> list[Route]:
        every = ["GET", "POST", "PUT", "DELETE"]
        return [
            Route("/v1/waitcondition/{arn:path}", self._signal, methods=every),
            Route("/v1", self._describe, methods=["GET", "POST"]),
            Route("/v1/", self._describe, methods=["GET", "POST"]),
        ]

    async def _signal(self, request: Request) -> Response:
        body = await request.body()
        pair = self._signer(request, body)
        if isinstance(pair, Response):
            return pair
        stack_id, name = _of_arn(request.path_params["arn"])
        stack = self._engine.stacks.get(stack_id)
        if stack is None or stack.id != pair.stack_id:  # any key of the stack will do
            return _denied()
        if name not in stack.resources:
            return _nowhere(name, stack)
        sent = _json(request, body)
        if not isinstance(sent, dict):
            return Response(status_code=500)
        try:
            self._engine.signal_resource(stack, stack.resources[name], sent)
        except ResourceActionNotSupported as refused:
            return _invalid(str(refused))
        except ValueError as error:
            return _failed(f"ValueError: resources.{name}: {error}")
        return _xml({"resource": name})

    async def _describe(self, request: Request) -> Response:
        body = await request.body()
        pair = self._signer(request, body)
        if isinstance(pair, Response):
            return pair
        asked = _params(request, body)
        action = asked.get("Action", "")
        if action not in CFN_ACTIONS:
            return _error(400, "InvalidAction", "The action or operation requested is invalid")
        if action != "DescribeStackResource":
            return _denied(f":Action {action} not allowed for user")
        named, name = asked.get("StackName", ""), asked.get("LogicalResourceId", "")
        stack = self._named(named)
        if stack is None or stack.id != pair.stack_id:
            return _invalid(f"The Stack ({named}) could not be found.")
        if not _may_describe(stack, pair, name):
            return _denied(f":{Forbidden()}")
        if name not in stack.resources:
            return _nowhere(name, stack)
        detail = {"StackResourceDetail": stack_views.format_cfn_resource(stack.resources[name], stack)}
        return _xml({"DescribeStackResourceResponse": {"DescribeStackResourceResult": detail}})

    def _signer(self, request: Request, body: bytes) -> Ec2Credential | Response:
        """Whose request it is, or the answer to it."""
        params = _params(request, body)
        if "Signature" not in params:
            return _error(
                400, "IncompleteSignature", "The request signature does not conform to AWS standards"
            )
        if "AWSAccessKeyId" not in params:
            return _error(
                403, "MissingAuthenticationToken", "Does not contain a valid AWS Access Key or certificate"
            )
        if self._faults.is_down("keystone"):
            return Response(status_code=500)
        pair = self._engine.context.ec2_credentials.find(params["AWSAccessKeyId"])
        host = request.headers.get("host", "").lower()
        signed = ec2_signature.SignedRequest(request.method, host, request.scope["path"], params)
        if pair is None or not ec2_signature.has_valid_signature(
            signed, pair.secret, get_utc_time(), self._ttl
        ):
            return _denied()
        return pair

    def _named(self, named: str) -> HeatStack | None:
        """The stack of a name, an id or an arn."""
        try:
            stack = self._engine.find_stack(named.rpartition("/")[2] if named.startswith("arn:") else named)
        except EntityNotFound:
            return None
        return None if named.startswith("arn:") and named != stack.arn else stack


def _of_arn(arn: str) -> tuple[str, str]:
    """The stack's id and the resource's name in arn:...:stacks/<name>/<id>/resources/<name>."""
    where, _, resource = arn.rpartition("/resources/")
    return where.rsplit("/", 1)[-1], resource


def _may_describe(stack: HeatStack, pair: Ec2Credential, name: str) -> bool:
    """A handle's user may see its handle; an access key's user what the user's policies name."""
    owner = stack.resources.get(pair.resource)
    if owner is None or owner.type != "AWS::IAM::AccessKey":
        return name == pair.resource
    return iam.can_describe(stack, owner, name)


def _params(request: Request, body: bytes) -> dict[str, str]:
    """Query and form together: a form's fields take part in the signature, and so break it."""
    params = dict(request.query_params)
    if request.headers.get("content-type", "").startswith(FORM_CONTENT_TYPE):
        params.update(parse_qsl(body.decode("latin-1"), keep_blank_values=True) or [("", "")])
    return params


def _json(request: Request, body: bytes) -> object:
    kind = request.headers.get("content-type", "")
    if len(body) > BODY_BYTES_LIMIT or kind.startswith(IGNORED_CONTENT_TYPES):
        return None
    try:
        return json.loads(body)
    except ValueError:
        return None


def _denied(why: str = "") -> Response:
    return _error(403, "AccessDenied", f"User is not authorized to perform action{why}")


def _invalid(why: str) -> Response:
    return _error(400, "InvalidParameterValue", f"A bad or out-of-range value was supplied:{why}")


def _nowhere(name: str, stack: HeatStack) -> Response:
    return _invalid(f"The Resource ({name}) could not be found in Stack {stack.name}.")


def _failed(detail: str) -> Response:
    said = f"The request processing has failed due to an internal error:{detail}"
    return _error(500, "InternalFailure", said, "Server")


def _error(code: int, name: str, message: str, side: str = "Sender") -> Response:
    return _xml({"ErrorResponse": {"Error": {"Type": side, "Code": name, "Message": message}}}, code)


def _xml(content: Mapping[str, object], code: int = 200) -> Response:
    [(name, value)] = content.items()
    root = Element(name)
    _fill(root, value)
    return Response(tostring(root), code, media_type="application/xml")


def _fill(element: Element, value: object) -> None:
    if isinstance(value, Mapping):
        for name, child in value.items():
            _fill(SubElement(element, name), child)
    elif value is not None:
        element.text = str(value)
