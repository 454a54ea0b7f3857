"""Wait condition handles of both template formats: a user of the stack, a way to signal, and the signals received."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar, cast
from urllib.parse import quote

from guestagent.embedded.heat.resources import wait_condition_rules
from guestagent.embedded.heat.resources.resource_type import CloudContext, ResourceType
from guestagent.embedded.heat.resources.stack import HeatStack, StackResource
from guestagent.embedded.heat.resources.user_password import generate_password
from guestagent.embedded.heat.resources.wait_condition_rules import SignalKeys, Signals
from guestagent.embedded.heat.template.property_schema import Property, Schema
from guestagent.embedded.openstack.keystone.ec2_signature import presign_url
from guestagent.embedded.openstack.keystone.stack_users import HEAT_DOMAIN_ID, StackUser

SIGNAL_TRANSPORTS = (
    "CFN_SIGNAL",
    "TEMP_URL_SIGNAL",
    "HEAT_SIGNAL",
    "NO_SIGNAL",
    "ZAQAR_SIGNAL",
    "TOKEN_SIGNAL",
)
UNSUPPORTED_TRANSPORTS = ("TEMP_URL_SIGNAL", "ZAQAR_SIGNAL")  # they need Swift, or Zaqar


class WaitConditionHandle(ResourceType):
    """The common part of both formats' handles. The object behind a handle is a user."""

    signal_keys: ClassVar[SignalKeys]
    has_template_metadata = False  # its metadata are its signals

    def __init__(self, context: CloudContext) -> None:
        self._context = context

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        name = stack.build_physical_name(resource)
        user = self._context.stack_users.add(
            name, stack.user_project, stack.id, resource.name, generate_password(), can_read_metadata=False
        )
        resource.physical_id = user.id

    async def delete(self, resource: StackResource, stack: HeatStack) -> None:
        self._context.ec2_credentials.revoke(resource.data.get("access", ""))
        self._context.stack_users.remove(resource.physical_id)

    def handle_signal(self, resource: StackResource, body: object) -> str:
        accepted = wait_condition_rules.accept_signal(body, read_signals(resource), self.signal_keys)
        resource.write_metadata(cast(dict[str, object], accepted.signals))
        return accepted.message

    def _presign(self, resource: StackResource, stack: HeatStack) -> None:
        """Create the URL, once. It is a secret, and its Timestamp is never renewed."""
        credential = self._context.ec2_credentials.create(stack.id, resource.name)
        arn = quote(f"{stack.arn}/resources/{resource.name}")
        url = f"{self._context.cfn_url}/v1/waitcondition/{arn}"
        resource.data["access"] = credential.access_key
        resource.data["url"] = presign_url(
            url, credential.access_key, credential.secret, self._context.get_utc_time()
        )


class CfnWaitConditionHandle(WaitConditionHandle):
    """A handle that is signalled at a presigned URL, which is its reference."""

    signal_keys = wait_condition_rules.CFN_SIGNAL_KEYS

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        await super().create(resource, stack)
        self._presign(resource, stack)

    def get_reference(self, resource: StackResource) -> object:
        return resource.data.get("url", resource.name)

    def handle_signal(self, resource: StackResource, body: object) -> str:
        if body is None:  # by REST, without a body: no signal
            return "No signal details provided"
        return super().handle_signal(resource, body)


class HotWaitConditionHandle(WaitConditionHandle):
    """A handle whose attribute `signal` has the means to signal it, as JSON text. Its reference is its user's id."""

    signal_keys = wait_condition_rules.HOT_SIGNAL_KEYS
    schema: ClassVar[Schema] = {
        "signal_transport": Property(
            "string",
            default="TOKEN_SIGNAL",
            allowed_values=SIGNAL_TRANSPORTS,
            unsupported_values=UNSUPPORTED_TRANSPORTS,
        )
    }
    attributes = frozenset({"token", "endpoint", "curl_cli", "signal"})

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        await super().create(resource, stack)
        if resource.properties["signal_transport"] == "TOKEN_SIGNAL":
            resource.data["token"] = self._context.issue_token(self._get_user(resource))
        elif resource.properties["signal_transport"] == "CFN_SIGNAL":
            self._presign(resource, stack)

    def get_attribute(self, resource: StackResource, stack: HeatStack, name: str) -> object:
        if not resource.physical_id:
            return None
        if name == "signal":
            return json.dumps(self._build_signal_document(resource, stack))
        token = resource.data.get("token")
        if token is None or name == "token":
            return token
        endpoint = self._build_signal_url(resource, stack)
        if name == "endpoint":
            return endpoint
        headers = (f"X-Auth-Token: {token}", "Content-Type: application/json", "Accept: application/json")
        return " ".join(["curl -i -X POST", *(f"-H '{header}'" for header in headers), endpoint])

    def _build_signal_document(
        self, resource: StackResource, stack: HeatStack
    ) -> Mapping[str, object] | None:
        """Build the data to signal with; nothing for TOKEN_SIGNAL, which has its own attributes for that."""
        signal_transport = resource.properties["signal_transport"]
        if signal_transport == "CFN_SIGNAL":
            return {"alarm_url": resource.data["url"]}
        if signal_transport == "HEAT_SIGNAL":
            user = self._get_user(resource)
            return {
                "auth_url": self._context.auth_url,
                "username": user.name,
                "user_id": user.id,
                "password": user.password.reveal(),
                "project_id": user.project,
                "domain_id": HEAT_DOMAIN_ID,
                "region_name": self._context.region,
                "alarm_url": self._build_signal_url(resource, stack),
            }
        return {} if signal_transport == "NO_SIGNAL" else None

    def _build_signal_url(self, resource: StackResource, stack: HeatStack) -> str:
        resource_path = (
            f"stacks/{quote(stack.name, safe='')}/{stack.id}/resources/{quote(resource.name, safe='')}"
        )
        return f"{self._context.heat_url}/{stack.user_project}/{resource_path}/signal"

    def _get_user(self, resource: StackResource) -> StackUser:
        user = self._context.stack_users.find(resource.physical_id)
        assert user is not None, "it lives as long as its handle"
        return user


SIGNAL_KEYS_BY_TYPE: Mapping[str, SignalKeys] = {
    "AWS::CloudFormation::WaitConditionHandle": wait_condition_rules.CFN_SIGNAL_KEYS,
    "OS::Heat::WaitConditionHandle": wait_condition_rules.HOT_SIGNAL_KEYS,
}


def read_signals(handle: StackResource) -> Signals:
    """Return the signals that a handle has received."""
    return cast(Signals, handle.metadata)
