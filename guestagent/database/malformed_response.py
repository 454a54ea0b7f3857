"""Answers that no server of ours gives: a proxy's, say, which tells only part of what it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from guestagent.errors import DatabaseUnsupported

TEXT_LIMIT = 150
PROXY_HINT = "is it a proxy, or a server that is not supported?"


@contextmanager
def translate_malformed_response(doing: str) -> Iterator[None]:
    """Turn what goes wrong in taking an answer apart into DatabaseUnsupported: it is the answer's fault.

    Statements are sent within, too: their errors are ours already and pass through.
    """
    try:
        yield
    except KeyError as error:
        raise DatabaseUnsupported(f"{doing}: the answer lacks {error.args[0]}; {PROXY_HINT}") from error
    except ValueError as error:
        raise DatabaseUnsupported(
            f"{doing}: an answer makes no sense ({str(error)[:TEXT_LIMIT]}); {PROXY_HINT}"
        ) from error
    except (TypeError, IndexError) as error:
        raise DatabaseUnsupported(
            f"{doing}: an answer makes no sense ({type(error).__name__}); {PROXY_HINT}"
        ) from error
