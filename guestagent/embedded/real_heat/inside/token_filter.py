"""A paste filter for Heat 19: a token for its question to Keystone whether an EC2 signature is right.

Keystone answers that question to services only, since it was mended in 2025; Heat 19 asks without a token, and so every
handle and every poll of a node would be refused. The account is [ec2authtoken]'s, which newer releases of Heat read.
"""

from typing import Any

import requests
from heat.api.aws import ec2token
from keystoneauth1 import loading
from keystoneauth1.session import Session

CONFIG_GROUP = "ec2authtoken"


class TokenSession:
    """The part of `requests` that Heat's filter uses, with the header that Keystone requires."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def post(self, url: str, headers: dict[str, str], **more: Any) -> requests.Response:
        token = {"X-Auth-Token": self._session.get_token()}
        return requests.post(url, headers={**headers, **token}, **more)  # noqa: S113 - as Heat itself does


def filter_factory(global_conf: dict[str, str], **local_conf: str) -> object:
    """Heat's own filter, asking through us."""
    settings = ec2token.cfg.CONF
    loading.register_auth_conf_options(settings, CONFIG_GROUP)
    ec2token.requests = TokenSession(
        Session(auth=loading.load_auth_from_conf_options(settings, CONFIG_GROUP))
    )
    return ec2token.EC2Token_filter_factory(global_conf, **local_conf)
