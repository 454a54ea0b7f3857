"""Runs the tests of a package, or by name, and prints each one's verdict as JSON; nothing of guestagent is imported.

    python verdicts.py NAME [--without PREFIX...]

It is run by the interpreter of the environment that those tests are installed in.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import sys
import unittest
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--without", nargs="*", default=())
    options = parser.parse_args()
    result_stream, sys.stdout = sys.stdout, sys.stderr  # the tests print, too
    suite = unittest.defaultTestLoader.loadTestsFromNames(list_names(options.name, tuple(options.without)))
    remove_excluded(suite, tuple(options.without))
    verdicts = JsonResult()
    suite.run(verdicts)
    json.dump(verdicts.results, result_stream)
    result_stream.flush()
    os._exit(0)  # what they left running is not waited for


def list_names(prefix: str, excluded: tuple[str, ...]) -> list[str]:
    """A package's test modules; anything else is a name by itself. What is left out is not imported."""
    try:
        package = importlib.import_module(prefix)
    except ModuleNotFoundError:  # a class, or a test
        return [prefix]
    if not hasattr(package, "__path__"):
        return [prefix]
    modules = [f"{prefix}.{each.name}" for each in pkgutil.iter_modules(package.__path__)]
    return [each for each in modules if ".test_" in each and not each.startswith(excluded)]


class JsonResult(unittest.TestResult):
    """`known`: test → `passed`, `skipped: why`, or what went wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.results: dict[str, str] = {}

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802 - unittest's word
        super().startTest(test)
        self.results[format_name(test)] = "passed"

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802
        self.results[format_name(test)] = f"skipped: {reason}"

    def addError(self, test: unittest.TestCase, err: object, details: object = None) -> None:  # noqa: N802
        self.results[format_name(test)] = format_error(err, details)

    addFailure = addError  # noqa: N815


def format_error(err: object, details: object) -> str:
    """testtools hands over details, unittest an exception."""
    if isinstance(err, tuple):
        return f"{err[0].__name__}: {err[1]}"
    texts = details.items() if isinstance(details, dict) else ()
    return "\n".join(content.as_text().strip() for key, content in texts if "traceback" in key)


def format_name(test: unittest.TestCase) -> str:
    """Its id without tempest's own in brackets."""
    return test.id().partition("[")[0]


def remove_excluded(suite: unittest.TestSuite, prefixes: tuple[str, ...]) -> None:
    """In place: a suite may be of a class with fixtures of its own, as gabbi's are."""
    for one in suite:
        if isinstance(one, unittest.TestSuite):
            remove_excluded(one, prefixes)
    tests: list[Any] = list(suite)
    suite._tests = [
        one
        for one in tests
        if isinstance(one, unittest.TestSuite) or not format_name(one).startswith(prefixes)
    ]


if __name__ == "__main__":
    main()
