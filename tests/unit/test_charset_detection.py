"""requests without the libraries that guess an encoding and encode the names of hosts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

START = """
import sys
from guestagent.charset_detection import defer_charset_detection
from guestagent.deferred_modules import DeferredModule
%s
defer_charset_detection()
import requests
def is_deferred(name):
    return type(sys.modules[name]) is DeferredModule
def build_response(content, content_type):
    response = requests.Response()
    response._content, response.headers["Content-Type"] = content, content_type
    response.encoding = requests.utils.get_encoding_from_headers(response.headers)
    return response
"""
needs_charset_normalizer = pytest.mark.skipif(
    subprocess.run([sys.executable, "-c", "import chardet"], capture_output=True).returncode == 0,
    reason="requests prefers chardet, which this machine has",
)


def run_python(code: str, before: str = "") -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", START % before + code],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@needs_charset_normalizer
def test_requests_starts_without_both_and_without_a_warning() -> None:
    assert run_python("print(is_deferred('charset_normalizer'), is_deferred('idna'))") == "True True\n"


@needs_charset_normalizer
def test_a_text_whose_encoding_is_known_needs_neither() -> None:
    code = "print(build_response(b'{}', 'application/json; charset=utf-8').text, is_deferred('charset_normalizer'))"

    assert run_python(code) == "{} True\n"


def test_the_encoding_of_another_text_is_guessed() -> None:
    code = "print(build_response('Grüße aus Österreich'.encode('utf-8'), 'application/octet-stream').text)"

    assert run_python(code) == "Grüße aus Österreich\n"


def test_a_host_name_of_another_alphabet_is_encoded() -> None:
    code = "print(requests.Request('GET', 'http://bücher.example/').prepare().url)"

    assert run_python(code) == "http://xn--bcher-kva.example/\n"


def test_a_library_without_a_module_for_its_version_is_imported(tmp_path: Path) -> None:
    (tmp_path / "charset_normalizer").mkdir()
    (tmp_path / "charset_normalizer/__init__.py").write_text('__version__ = "3.0.0"\n')
    before = f"sys.path.insert(0, {str(tmp_path)!r})"

    answer = run_python(
        "print(is_deferred('charset_normalizer'), sys.modules['charset_normalizer'].__file__)", before
    )

    assert answer == f"False {tmp_path}/charset_normalizer/__init__.py\n"
