"""Responses that no supported server sends, for example those of a proxy that answers only some queries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from guestagent.errors import DatabaseUnsupported

TEXT_LIMIT = 150
PROXY_HINT = "it may be a proxy, or a server that is not supported"


@contextmanager
def translate_malformed_response(operation: str) -> Iterator[None]:
    """Turn errors in parsing a response into DatabaseUnsupported.

    Errors of statements within the block are already the agent's own, and pass through.
    """
    try:
        yield
    except KeyError as error:
        raise DatabaseUnsupported(f"{operation}: the response lacks {error.args[0]}; {PROXY_HINT}") from error
    except ValueError as error:
        raise DatabaseUnsupported(
            f"{operation}: malformed response ({str(error)[:TEXT_LIMIT]}); {PROXY_HINT}"
        ) from error
    except (TypeError, IndexError) as error:
        raise DatabaseUnsupported(
            f"{operation}: malformed response ({type(error).__name__}); {PROXY_HINT}"
        ) from error
