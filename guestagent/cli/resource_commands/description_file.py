"""The description of a new cluster: a cluster.yaml whose other files are put into it, because the service has none."""

from __future__ import annotations

from pathlib import Path

from guestagent.cli.input_file import read_input
from guestagent.errors import InvalidInput, Problem

PEM_START = "-----BEGIN"


def load_description(name: str) -> dict[str, object]:
    """Load the description from a file, or from standard input if its name is `-`."""
    from guestagent.controller.cluster_file import load_input

    text, where = read_input(name)
    description = load_input(text, InvalidInput, where)
    if not isinstance(description, dict):
        expected = "a mapping, the content of a cluster.yaml"
        raise InvalidInput([Problem("document", expected, "another value")], where)
    if isinstance(description.get("passwords"), dict):
        do = "passwords are not sent to the service, which makes its own"
        raise InvalidInput([Problem("passwords", "heat or generated", "a file of passwords", do)], where)
    folder = Path() if name == "-" else Path(name).parent
    return description | _include_authority(description.get("tls"), folder)


def _include_authority(tls: object, folder: Path) -> dict[str, object]:
    """Return the `tls` of a description with the CA itself in place of its file; nothing if it names no file."""
    ca = tls.get("ca") if isinstance(tls, dict) else None
    if not isinstance(tls, dict) or not isinstance(ca, str) or PEM_START in ca:
        return {}
    text, where = read_input(str(folder / ca))
    if PEM_START not in text:
        raise InvalidInput([Problem("tls.ca", "a file with certificates in PEM", "none in it")], where)
    return {"tls": {**tls, "ca": text}}
