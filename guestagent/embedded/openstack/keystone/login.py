"""A login to a Keystone, the embedded one or a real one, with keystoneauth."""

from __future__ import annotations

import requests
from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from guestagent.secret import Secret

REQUEST_TIMEOUT_S = 30.0
DEFAULT_DOMAIN_ID = "default"


def open_session(
    auth_url: str, username: str, password: Secret, project: str, timeout: float = REQUEST_TIMEOUT_S
) -> Session:
    """Build a session for one user of the default domain. It logs in at its first request.

    Proxies and .netrc are ignored: they do not lead to a cloud on this machine.
    """
    auth = v3.Password(
        auth_url,
        username=username,
        password=password.reveal(),
        user_domain_id=DEFAULT_DOMAIN_ID,
        project_name=project,
        project_domain_id=DEFAULT_DOMAIN_ID,
    )
    transport = requests.Session()
    transport.trust_env = False
    return Session(auth, session=transport, timeout=timeout)
