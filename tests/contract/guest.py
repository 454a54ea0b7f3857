"""What a guest does: it signals at presigned URLs, and polls its metadata with its own key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from xml.etree.ElementTree import Element, fromstring

import requests

from tests.contract.heat import ContractStack, Document, mask_ids

BODY: Document = {"Status": "SUCCESS", "Reason": "r", "UniqueId": "u", "Data": "d"}
REQUEST_TIMEOUT_S = 30
WEB_SERVER_ERROR = "A server error occurred."  # where Heat says nothing, and the server fills the silence


def build_body(
    status: str = "SUCCESS", reason: object = "r", unique: object = "u", data: object = "d"
) -> Document:
    return {"Status": status, "Reason": reason, "UniqueId": unique, "Data": data}


def put_signal(url: str, sent: object = BODY) -> str:
    """A signal as JSON without a content type, as the agent sends it; what is heard."""
    return format_cfn_response(requests.put(url, data=json.dumps(sent), timeout=REQUEST_TIMEOUT_S))


def signal_handle(stack: ContractStack, handle: str = "H", *bodies: Document) -> ContractStack:
    """The stack, after a handle of it has taken signals."""
    url = stack.read_handle_url(handle)
    for each in bodies or (BODY,):
        answer = put_signal(url, each)
        assert answer.startswith("200"), answer
    return stack


def format_cfn_response(answer: requests.Response) -> str:
    """An answer of heat-api-cfn on one line: what is in its XML, or that it is empty."""
    if not answer.text.strip() or answer.text.startswith(WEB_SERVER_ERROR):
        return f"{answer.status_code} (empty)"
    try:
        root = fromstring(answer.content)  # noqa: S314 - from the cloud that the suite itself has started
    except SyntaxError:
        return f"{answer.status_code} {answer.text}"
    texts = {each.tag: (each.text or "").strip() for each in root.iter()}
    if "Code" in texts:
        return mask_ids(f"{answer.status_code} {texts['Code']}: {texts['Message']}")
    return f"{answer.status_code} {texts.get('resource', root.tag)}"


@dataclass(frozen=True, slots=True)
class NodeKey:
    """An access key and what can be asked with it at a stack's cloud."""

    stack: ContractStack
    access: str
    secret: str

    @classmethod
    def from_outputs(cls, stack: ContractStack, name: str = "Key") -> NodeKey:
        """The key whose two halves are outputs of the stack."""
        return cls(stack, stack.read_output(name), stack.read_output(f"{name}Secret"))

    def describe(
        self, resource: str, stack: str = "", age: timedelta | None = None, **more: str
    ) -> requests.Response:
        """DescribeStackResource. With an age the request carries a time stamp that is so old."""
        asked = {
            "Action": "DescribeStackResource",
            "StackName": stack or self.stack.name,
            "LogicalResourceId": resource,
            **more,
        }
        if age is not None:
            asked["Timestamp"] = (datetime.now(timezone.utc) - age).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self.request("GET", f"{self.stack.heat.cfn_url}/", asked)

    def request(self, method: str, url: str, asked: Document, **more: Any) -> requests.Response:
        """Any request, signed as EC2 does it in version 2."""
        params = {
            **asked,
            "AWSAccessKeyId": self.access,
            "SignatureMethod": "HmacSHA256",
            "SignatureVersion": "2",
        }
        query = "&".join(f"{quote(k, safe='')}={quote(v, safe='-_~')}" for k, v in sorted(params.items()))
        parts = urlsplit(url)
        text = f"{method}\n{parts.netloc.lower()}\n{unquote(parts.path)}\n{query}"
        digest = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).digest()
        params["Signature"] = base64.b64encode(digest).decode()
        return requests.request(method, url, params=params, timeout=REQUEST_TIMEOUT_S, **more)

    def list_fields(self, resource: str) -> list[str]:
        """What a description consists of."""
        root: Element = fromstring(self.describe(resource).content)  # noqa: S314 - as above
        return sorted(each.tag for each in root.iter() if not len(each))

    def run_collector(self, resource: str) -> object:
        """What the real os-collect-config's cfn collector makes of the resource's metadata."""
        settings = {
            "metadata_url": f"{self.stack.heat.cfn_url}/",
            "stack_name": self.stack.name,
            "path": f"{resource}.Metadata",
            "access_key_id": self.access,
            "secret_access_key": self.secret,
        }
        return run_os_collect_config("cfn", settings)


def parse_metadata(answer: requests.Response) -> Any:
    """The metadata in a description, or what was heard instead."""
    if answer.status_code != 200:
        return format_cfn_response(answer)
    root: Element = fromstring(answer.content)  # noqa: S314 - as above
    return json.loads(root.findtext(".//Metadata") or '"(empty)"')


def run_os_collect_config(collector: str, settings: Document) -> object:
    """One run of the real os-collect-config; nothing where it collects nothing."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "occ.conf")
        lines = "".join(f"{key} = {text}\n" for key, text in settings.items()).replace("$", "$$")
        config.write_text(
            f"[DEFAULT]\ncollectors = {collector}\ncachedir = {folder}/cache\n[{collector}]\n{lines}"
        )
        done = subprocess.run(
            [
                Path(sys.executable).with_name("os-collect-config"),
                "--config-file",
                config,
                "--one-time",
                "--print",
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=REQUEST_TIMEOUT_S * 2,
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        )
    printed = json.loads(done.stdout) if done.stdout.strip() else {}
    return printed.get(collector)


def mask_url(url: str) -> str:
    """A presigned URL without what is another one in every run."""
    parts = urlsplit(url)
    query = re.sub(r"=[^&]*", "", parts.query)
    return f"{mask_ids(parts.path)}?{query}"
