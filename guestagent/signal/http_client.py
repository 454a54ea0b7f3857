"""One request over HTTP, with everything that could show a credential kept out of errors and logs.

Only this file imports requests.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from guestagent.errors import HandleRefused, HandleUnreachable
from guestagent.http_time_limit import limit_connections, limit_http_time
from guestagent.secret import Secret
from guestagent.time_limit import TimeLimitExceeded

if TYPE_CHECKING:
    import requests

# A form's content type, the default of many clients, breaks a URL's signature.
HEADERS = {"Content-Type": "application/json", "User-Agent": "guestagent"}
RESPONSE_SIZE_LIMIT = 16 * 1024


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """`ca_file` None: what requests does by itself. Proxies come from the environment, as for requests."""

    ca_file: Path | None = None


DEFAULT_HTTP_OPTIONS = HttpOptions()


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """`host` may be shown; what else is in it may not."""

    method: str
    url: Secret
    host: str
    body: bytes = field(repr=False)
    headers: Mapping[str, Secret] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """The beginning of its `text` only. `token`: the header with which Keystone gives one. `date`: its clock's word."""

    status: int
    text: str = field(repr=False)
    token: Secret | None = None
    date: str = ""


def import_requests() -> None:
    """Beforehand: 27 MB and a tenth of a second, for whoever will have something to say."""
    import requests  # noqa: F401


def send_request(request: HttpRequest, web: HttpOptions, seconds: float) -> HttpResponse:
    """The answer, whatever it says, within `seconds` in all. HandleUnreachable where there is none, HandleRefused where
    none can be.
    """
    import requests

    _hide_urls()
    verify = True if web.ca_file is None else str(web.ca_file)
    shown = {name: value.reveal() for name, value in request.headers.items()}
    try:
        with (
            limit_http_time(seconds),
            _open_session() as session,
            session.request(
                request.method,
                request.url.reveal(),
                data=request.body,
                headers=HEADERS | shown,
                auth=_signed_already,
                timeout=seconds,
                verify=verify,
                allow_redirects=False,
                stream=True,
            ) as answer,
        ):
            token = answer.headers.get("X-Subject-Token")
            text, date = _beginning(answer), answer.headers.get("Date", "")
            return HttpResponse(answer.status_code, text, Secret(token) if token else None, date)
    except (requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema):
        trouble: HandleRefused | HandleUnreachable = HandleRefused("the handle's URL cannot be used")
    except TimeLimitExceeded:
        trouble = HandleUnreachable(f"{request.host}: {ERROR_TEXTS['ReadTimeout']}")
    except OSError as error:  # every error of requests is one, and so is a CA file that is not there
        trouble = HandleUnreachable(f"{request.host}: {_reason(error)}")
    raise trouble  # out here, so that the library's error, which quotes the URL, is not its context


def _signed_already(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """In place of what requests would look up in ~/.netrc: the URL or a token is all the authority there is."""
    return request


def _open_session() -> requests.Session:
    import requests

    session = requests.Session()
    limit_connections(session)
    return session


def _beginning(answer: requests.Response) -> str:
    """Byte by byte, for more would be waited for until it is complete."""
    read = b""
    for byte in answer.iter_content(1):
        read += byte
        if len(read) >= RESPONSE_SIZE_LIMIT:
            break
    return read.decode(errors="replace")


def _reason(error: BaseException) -> str:
    """What went wrong in words that hold nothing of the URL: the messages of requests quote it."""
    kinds = {kind.__name__ for link in _chain(error) for kind in type(link).__mro__}
    if "RequestException" not in kinds:
        return "the CA bundle cannot be read: does signal.ca_file (or REQUESTS_CA_BUNDLE) name one?"
    verified = [said for link in _chain(error) if (said := getattr(link, "verify_message", None))]
    if verified:
        return f"its certificate does not hold ({verified[0]}): is its CA named in signal.ca_file?"
    system = [link.strerror for link in _chain(error) if isinstance(link, OSError) and link.strerror]
    by = "the proxy: " if kinds & {"ProxyError", "InvalidProxyURL"} else ""
    for kind, words in ERROR_TEXTS.items():
        if kind in kinds:
            return by + words
    return by + (system[-1] if system else type(error).__name__)


ERROR_TEXTS = {
    "ConnectTimeout": "no connection in time",
    "ReadTimeout": "no answer in time",
    "RemoteDisconnected": "it hung up without an answer",
    "ChunkedEncodingError": "it hung up in the middle of its answer",
}


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _hide_urls() -> None:
    """urllib3 logs every URL at DEBUG, and some at WARNING: the signature in it is a credential."""
    logging.getLogger("urllib3.connectionpool").addFilter(_without_signature)


def _without_signature(record: logging.LogRecord) -> bool:
    return "Signature=" not in record.getMessage()
