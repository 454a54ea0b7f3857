"""Wait condition handles of both dialects: a user of the stack, a way to signal, and the signals that came."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar, cast
from urllib.parse import quote

from guestagent.embedded.heat import conditions
from guestagent.embedded.heat.conditions import Signals, Spelling
from guestagent.embedded.heat.kinds import Kind, Surroundings
from guestagent.embedded.heat.passwords import password
from guestagent.embedded.heat.signature import presigned
from guestagent.embedded.heat.stack import Resource, Stack
from guestagent.embedded.heat.users import DOMAIN_ID, StackUser
from guestagent.embedded.template.schema import Property, Schema

TRANSPORTS = ("CFN_SIGNAL", "TEMP_URL_SIGNAL", "HEAT_SIGNAL", "NO_SIGNAL", "ZAQAR_SIGNAL", "TOKEN_SIGNAL")
LACKING = ("TEMP_URL_SIGNAL", "ZAQAR_SIGNAL")  # they need Swift, or Zaqar


class Handle(Kind):
    """What both dialects' handles have in common. Its user is what stands behind it."""

    spelling: ClassVar[Spelling]
    serves_metadata = False  # its signals stand there

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def create(self, resource: Resource, stack: Stack) -> None:
        name = stack.physical_name(resource)
        user = self._around.users.add(
            name, stack.user_project, stack.id, resource.name, password(), reads=False
        )
        resource.physical_id = user.id

    async def delete(self, resource: Resource, stack: Stack) -> None:
        self._around.keys.revoke(resource.data.get("access", ""))
        self._around.users.remove(resource.physical_id)

    def signal(self, resource: Resource, body: object) -> str:
        accepted = conditions.accept(body, signals_of(resource), self.spelling)
        resource.write(cast(dict[str, object], accepted.signals))
        return accepted.said

    def _presign(self, resource: Resource, stack: Stack) -> None:
        """The URL is made once and is a secret; its Timestamp never gets younger."""
        pair = self._around.keys.make(stack.id, resource.name)
        arn = quote(f"{stack.arn}/resources/{resource.name}")
        url = f"{self._around.cfn_url}/v1/waitcondition/{arn}"
        resource.data["access"] = pair.access
        resource.data["url"] = presigned(url, pair.access, pair.secret, self._around.now())


class CfnHandle(Handle):
    """Takes signals at a presigned URL, which is its reference."""

    spelling = conditions.CFN

    async def create(self, resource: Resource, stack: Stack) -> None:
        await super().create(resource, stack)
        self._presign(resource, stack)

    def reference(self, resource: Resource) -> object:
        return resource.data.get("url", resource.name)

    def signal(self, resource: Resource, body: object) -> str:
        if body is None:  # by REST, without a body: nothing is signalled
            return "No signal details provided"
        return super().signal(resource, body)


class HotHandle(Handle):
    """Tells how to signal it in its attribute `signal`, as JSON text. Its reference is its user's id."""

    spelling = conditions.HOT
    schema: ClassVar[Schema] = {
        "signal_transport": Property("string", default="TOKEN_SIGNAL", allowed=TRANSPORTS, lacking=LACKING)
    }
    attributes = frozenset({"token", "endpoint", "curl_cli", "signal"})

    async def create(self, resource: Resource, stack: Stack) -> None:
        await super().create(resource, stack)
        if resource.properties["signal_transport"] == "TOKEN_SIGNAL":
            resource.data["token"] = self._around.token(self._user(resource))
        elif resource.properties["signal_transport"] == "CFN_SIGNAL":
            self._presign(resource, stack)

    def attribute(self, resource: Resource, stack: Stack, name: str) -> object:
        if not resource.physical_id:
            return None
        if name == "signal":
            return json.dumps(self._document(resource, stack))
        token = resource.data.get("token")
        if token is None or name == "token":
            return token
        endpoint = self._signal_url(resource, stack)
        if name == "endpoint":
            return endpoint
        headers = (f"X-Auth-Token: {token}", "Content-Type: application/json", "Accept: application/json")
        return " ".join(["curl -i -X POST", *(f"-H '{header}'" for header in headers), endpoint])

    def _document(self, resource: Resource, stack: Stack) -> Mapping[str, object] | None:
        """What a guest needs to signal; nothing with TOKEN_SIGNAL, which has attributes of its own for that."""
        transport = resource.properties["signal_transport"]
        if transport == "CFN_SIGNAL":
            return {"alarm_url": resource.data["url"]}
        if transport == "HEAT_SIGNAL":
            user = self._user(resource)
            return {
                "auth_url": self._around.auth_url,
                "username": user.name,
                "user_id": user.id,
                "password": user.password.reveal(),
                "project_id": user.project,
                "domain_id": DOMAIN_ID,
                "region_name": self._around.region,
                "alarm_url": self._signal_url(resource, stack),
            }
        return {} if transport == "NO_SIGNAL" else None

    def _signal_url(self, resource: Resource, stack: Stack) -> str:
        where = f"stacks/{quote(stack.name, safe='')}/{stack.id}/resources/{quote(resource.name, safe='')}"
        return f"{self._around.heat_url}/{stack.user_project}/{where}/signal"

    def _user(self, resource: Resource) -> StackUser:
        user = self._around.users.find(resource.physical_id)
        assert user is not None, "it lives as long as its handle"
        return user


SPELLINGS: Mapping[str, Spelling] = {
    "AWS::CloudFormation::WaitConditionHandle": conditions.CFN,
    "OS::Heat::WaitConditionHandle": conditions.HOT,
}


def signals_of(handle: Resource) -> Signals:
    """The signals that a handle has taken."""
    return cast(Signals, handle.metadata)
