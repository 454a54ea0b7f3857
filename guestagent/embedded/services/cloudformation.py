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

from guestagent.embedded.faults import Faults
from guestagent.embedded.heat import accounts, signature
from guestagent.embedded.heat.engine import Engine
from guestagent.embedded.heat.keys import Pair
from guestagent.embedded.heat.stack import Resource, Stack, now
from guestagent.embedded.refusals import EntityNotFound
from guestagent.embedded.services import views

MOST_BODY = 1 << 20
UNREAD = ("application/octet-stream", "application/xml", "text/xml", "multipart/")
FORM = "application/x-www-form-urlencoded"


class CloudFormation:
    """The two things that guests ask of Heat. 403 has many causes: Heat does not tell them apart."""

    def __init__(self, engine: Engine, faults: Faults, auth_ttl: timedelta) -> None:
        self._engine, self._faults, self._ttl = engine, faults, auth_ttl

    def routes(self) -> list[Route]:
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
        found = self._find(*_of_arn(request.path_params["arn"]))
        if found is None or found[1].name != pair.resource:
            return _denied()
        stack, handle = found
        sent = _json(request, body)
        if not isinstance(sent, dict):
            return Response(status_code=500)
        try:
            self._engine.signal(stack, handle, sent)
        except ValueError as error:
            return _failed(f"ValueError: resources.{handle.name}: {error}")
        return _xml({"resource": handle.name})

    async def _describe(self, request: Request) -> Response:
        body = await request.body()
        pair = self._signer(request, body)
        if isinstance(pair, Response):
            return pair
        asked = _params(request, body)
        if asked.get("Action") != "DescribeStackResource":
            return _error(400, "InvalidAction", "The action or operation requested is invalid")
        found = self._find(asked.get("StackName", ""), asked.get("LogicalResourceId", ""))
        if found is None:
            return _error(400, "InvalidParameterValue", "A bad or out-of-range value was supplied")
        stack, resource = found
        if stack.id != pair.stack_id or not _may_describe(stack, pair, resource.name):
            return _denied()
        detail = {"StackResourceDetail": views.described(resource, stack)}
        return _xml({"DescribeStackResourceResponse": {"DescribeStackResourceResult": detail}})

    def _signer(self, request: Request, body: bytes) -> Pair | Response:
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
        if self._faults.down("keystone"):
            return Response(status_code=500)
        pair = self._engine.around.keys.find(params["AWSAccessKeyId"])
        host = request.headers.get("host", "").lower()
        signed = signature.Request(request.method, host, request.scope["path"], params)
        if pair is None or not signature.holds(signed, pair.secret, now(), self._ttl):
            return _denied()
        return pair

    def _find(self, stack_name: str, resource: str) -> tuple[Stack, Resource] | None:
        try:
            stack = self._engine.find(stack_name)
        except EntityNotFound:
            return None
        return (stack, stack.resources[resource]) if resource in stack.resources else None


def _of_arn(arn: str) -> tuple[str, str]:
    """The stack's id and the resource's name in arn:...:stacks/<name>/<id>/resources/<name>."""
    where, _, resource = arn.rpartition("/resources/")
    return where.rsplit("/", 1)[-1], resource


def _may_describe(stack: Stack, pair: Pair, name: str) -> bool:
    """A handle's user may see its handle; an access key's user what the user's policies name."""
    owner = stack.resources.get(pair.resource)
    if owner is None or owner.type != "AWS::IAM::AccessKey":
        return name == pair.resource
    return accounts.may_describe(stack, owner, name)


def _params(request: Request, body: bytes) -> dict[str, str]:
    """Query and form together: a form's fields take part in the signature, and so break it."""
    params = dict(request.query_params)
    if request.headers.get("content-type", "").startswith(FORM):
        params.update(parse_qsl(body.decode("latin-1"), keep_blank_values=True) or [("", "")])
    return params


def _json(request: Request, body: bytes) -> object:
    kind = request.headers.get("content-type", "")
    if len(body) > MOST_BODY or kind.startswith(UNREAD):
        return None
    try:
        return json.loads(body)
    except ValueError:
        return None


def _denied() -> Response:
    return _error(403, "AccessDenied", "User is not authorized to perform action")


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
