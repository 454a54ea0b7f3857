"""Requests of a guest: signals to presigned URLs, and polling of metadata with its own access key."""

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
WEB_SERVER_ERROR = "A server error occurred."  # the web server's own text for an empty response of Heat


def build_body(
    status: str = "SUCCESS", reason: object = "r", unique: object = "u", data: object = "d"
) -> Document:
    return {"Status": status, "Reason": reason, "UniqueId": unique, "Data": data}


def put_signal(url: str, body: object = BODY) -> str:
    """Send a signal as JSON without a content type, as the agent does; return the response on one line."""
    return format_cfn_response(requests.put(url, data=json.dumps(body), timeout=REQUEST_TIMEOUT_S))


def signal_handle(stack: ContractStack, handle: str = "H", *bodies: Document) -> ContractStack:
    """Send signals to a handle, which must accept them; return the stack."""
    url = stack.read_handle_url(handle)
    for each in bodies or (BODY,):
        answer = put_signal(url, each)
        assert answer.startswith("200"), answer
    return stack


def format_cfn_response(answer: requests.Response) -> str:
    """Format a response of heat-api-cfn on one line: the content of its XML, or that it is empty."""
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
    """An access key, and the requests that it can sign."""

    stack: ContractStack
    access: str
    secret: str

    @classmethod
    def from_outputs(cls, stack: ContractStack, name: str = "Key") -> NodeKey:
        """Return the key whose two parts are outputs of the stack."""
        return cls(stack, stack.read_output(name), stack.read_output(f"{name}Secret"))

    def describe(
        self, resource: str, stack: str = "", age: timedelta | None = None, **more: str
    ) -> requests.Response:
        """Request DescribeStackResource. With an age, the request has a timestamp of that age."""
        params = {
            "Action": "DescribeStackResource",
            "StackName": stack or self.stack.name,
            "LogicalResourceId": resource,
            **more,
        }
        if age is not None:
            params["Timestamp"] = (datetime.now(timezone.utc) - age).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self.request("GET", f"{self.stack.heat.cfn_url}/", params)

    def request(self, method: str, url: str, signed_params: Document, **more: Any) -> requests.Response:
        """Send any request, with an EC2 signature of version 2."""
        params = {
            **signed_params,
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
        """Return the names of the fields of a description."""
        root: Element = fromstring(self.describe(resource).content)  # noqa: S314 - as above
        return sorted(each.tag for each in root.iter() if not len(each))

    def run_collector(self, resource: str) -> object:
        """Return the resource's metadata as the cfn collector of os-collect-config delivers it."""
        settings = {
            "metadata_url": f"{self.stack.heat.cfn_url}/",
            "stack_name": self.stack.name,
            "path": f"{resource}.Metadata",
            "access_key_id": self.access,
            "secret_access_key": self.secret,
        }
        return run_os_collect_config("cfn", settings)


def parse_metadata(answer: requests.Response) -> Any:
    """Return the metadata in a description, or the error on one line."""
    if answer.status_code != 200:
        return format_cfn_response(answer)
    root: Element = fromstring(answer.content)  # noqa: S314 - as above
    return json.loads(root.findtext(".//Metadata") or '"(empty)"')


def run_os_collect_config(collector: str, settings: Document) -> object:
    """Run os-collect-config once; return None if it collects nothing."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "occ.conf")
        lines = "".join(f"{key} = {text}\n" for key, text in settings.items()).replace("$", "$$")
        config.write_text(
            f"[DEFAULT]\ncollectors = {collector}\ncachedir = {folder}/cache\n[{collector}]\n{lines}"
        )
        completed = subprocess.run(
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
    printed = json.loads(completed.stdout) if completed.stdout.strip() else {}
    return printed.get(collector)


def mask_url(url: str) -> str:
    """Return a presigned URL without the parts that differ in every run."""
    parts = urlsplit(url)
    query = re.sub(r"=[^&]*", "", parts.query)
    return f"{mask_ids(parts.path)}?{query}"
