"""The signature of a request to heat-api-cfn: a handle's presigned URL, or a guest that polls its metadata."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from guestagent.embedded.heat.api.cfn_response import build_access_denied, build_error
from guestagent.embedded.host.clock import get_utc_time
from guestagent.embedded.http.faults import ActiveFaults
from guestagent.embedded.openstack.keystone import ec2_signature
from guestagent.embedded.openstack.keystone.ec2_credentials import Ec2Credential, Ec2CredentialStore

FORM_CONTENT_TYPE = "application/x-www-form-urlencoded"


def authenticate_request(
    request: Request, body: bytes, credentials: Ec2CredentialStore, faults: ActiveFaults, auth_ttl: timedelta
) -> Ec2Credential | Response:
    """Return the credential that signed the request, or the error response."""
    params = read_params(request, body)
    if "Signature" not in params:
        return build_error(
            400, "IncompleteSignature", "The request signature does not conform to AWS standards"
        )
    if "AWSAccessKeyId" not in params:
        return build_error(
            403, "MissingAuthenticationToken", "Does not contain a valid AWS Access Key or certificate"
        )
    if faults.is_down("keystone"):
        return Response(status_code=500)
    credential = credentials.find(params["AWSAccessKeyId"])
    host = request.headers.get("host", "").lower()
    signed_request = ec2_signature.SignedRequest(request.method, host, request.scope["path"], params)
    if credential is None or not ec2_signature.has_valid_signature(
        signed_request, credential.secret, get_utc_time(), auth_ttl
    ):
        return build_access_denied()
    return credential


def read_params(request: Request, body: bytes) -> dict[str, str]:
    """Merge query and form: a form's fields are part of the signature, and so break it."""
    params = dict(request.query_params)
    if request.headers.get("content-type", "").startswith(FORM_CONTENT_TYPE):
        params.update(parse_qsl(body.decode("latin-1"), keep_blank_values=True) or [("", "")])
    return params
