"""HTTP requests whose errors and log messages never show a credential. Only this file imports requests."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from guestagent.charset_detection import defer_charset_detection
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
    """Options of all requests. Without a `ca_file` requests uses its default. Proxies come from the environment."""

    ca_file: Path | None = None


DEFAULT_HTTP_OPTIONS = HttpOptions()


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request. Only its `host` is not secret."""

    method: str
    url: Secret
    host: str
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, Secret] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer with the beginning of its text, Keystone's header with a new token, and the `Date` header."""

    status: int
    text: str = field(repr=False)
    token: Secret | None = None
    date: str = ""


def import_requests() -> None:
    """Import the library before it is needed: it takes 11 MB and a tenth of a second."""
    defer_charset_detection()
    import requests  # noqa: F401


def send_request(request: HttpRequest, options: HttpOptions, seconds: float) -> HttpResponse:
    """Send the request and return the answer, whatever its status. The whole exchange is limited to `seconds`.

    Raises HandleUnreachable if there is no answer, and HandleRefused if the URL cannot have one.
    """
    import requests

    _hide_urls()
    verify = True if options.ca_file is None else str(options.ca_file)
    headers = {name: value.reveal() for name, value in request.headers.items()}
    try:
        with (
            limit_http_time(seconds),
            _open_session() as session,
            session.request(
                request.method,
                request.url.reveal(),
                data=request.body,
                headers=HEADERS | headers,
                auth=_keep_request,
                timeout=seconds,
                verify=verify,
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            token = response.headers.get("X-Subject-Token")
            text, date = _read_beginning(response), response.headers.get("Date", "")
            return HttpResponse(response.status_code, text, Secret(token) if token else None, date)
    except (requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema):
        failure: HandleRefused | HandleUnreachable = HandleRefused("the handle's URL cannot be used")
    except TimeLimitExceeded:
        failure = HandleUnreachable(f"{request.host}: {ERROR_TEXTS['ReadTimeout']}")
    except OSError as error:  # the base class of all errors of requests; also raised for a missing CA file
        failure = HandleUnreachable(f"{request.host}: {_explain_error(error)}")
    raise failure  # outside the handlers, so that the library's error, which quotes the URL, is not its context


def _keep_request(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add no credentials. Without this, requests would look for some in ~/.netrc."""
    return request


def _open_session() -> requests.Session:
    import requests

    session = requests.Session()
    limit_connections(session)
    return session


def _read_beginning(response: requests.Response) -> str:
    """Read byte by byte: the library waits until a larger piece is complete."""
    content = b""
    for byte in response.iter_content(1):
        content += byte
        if len(content) >= RESPONSE_SIZE_LIMIT:
            break
    return content.decode(errors="replace")


def _explain_error(error: BaseException) -> str:
    """Describe an error without the URL, which the messages of requests quote."""
    class_names = {kind.__name__ for cause in _list_causes(error) for kind in type(cause).__mro__}
    if "RequestException" not in class_names:
        return "the CA bundle cannot be read: is signal.ca_file (or REQUESTS_CA_BUNDLE) correct?"
    messages = [
        message for cause in _list_causes(error) if (message := getattr(cause, "verify_message", None))
    ]
    if messages:
        return f"its certificate is not valid here ({messages[0]}): is its CA in signal.ca_file?"
    system_texts = [
        cause.strerror for cause in _list_causes(error) if isinstance(cause, OSError) and cause.strerror
    ]
    prefix = "the proxy: " if class_names & {"ProxyError", "InvalidProxyURL"} else ""
    for class_name, text in ERROR_TEXTS.items():
        if class_name in class_names:
            return prefix + text
    return prefix + (system_texts[-1] if system_texts else type(error).__name__)


ERROR_TEXTS = {
    "ConnectTimeout": "no connection in time",
    "ReadTimeout": "no answer in time",
    "RemoteDisconnected": "it closed the connection without an answer",
    "ChunkedEncodingError": "it closed the connection in the middle of its answer",
}


def _list_causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _hide_urls() -> None:
    """Filter the URLs that urllib3 logs, all at DEBUG and some at WARNING: the signature in them is a credential."""
    logging.getLogger("urllib3.connectionpool").addFilter(_has_no_signature)


def _has_no_signature(record: logging.LogRecord) -> bool:
    return "Signature=" not in record.getMessage()
