"""`guestagent elements-path`: prints the folder of the diskimage-builder elements."""

from __future__ import annotations

import argparse
import json

from guestagent.cli import options
from guestagent.package_data import find_package_data


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "elements-path",
        help="print the folder of the diskimage-builder elements",
        description='Print the folder of the diskimage-builder elements. Example: ELEMENTS_PATH="$(guestagent '
        'elements-path)" disk-image-create -o db vm debian-minimal guestagent-mariadb.',
    )
    options.add_json_option(parser)
    parser.set_defaults(run=run_elements_path)


def run_elements_path(args: argparse.Namespace) -> int:
    """Print the path."""
    path = str(find_package_data("elements"))
    print(json.dumps({"elements_path": path}) if args.json else path)
    return 0
