"""The start of os-collect-config with deferred libraries."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from guestagent.agent.collector_start import DEFERRED_MODULES, run_collector

START = """
import json, sys
from guestagent.agent.collector_start import DEFERRED_MODULES, run_collector
from guestagent.deferred_modules import DeferredModule
import os_collect_config.exc
sys.argv = ["/opt/guestagent/bin/guestagent", "collect"]
def main(args):
    from os_collect_config import cfn, heat, keystone, zaqar
    deferred = [name for name in DEFERRED_MODULES if type(sys.modules.get(name)) is DeferredModule]
    print(json.dumps({"args": args, "argv": sys.argv, "deferred": deferred}))
    %s
import os_collect_config
class Importer:
    def exec_module(self, module):
        module.main = main
    def create_module(self, spec):
        return None
from importlib.machinery import ModuleSpec
class Finder:
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, Importer()) if name == "os_collect_config.collect" else None
sys.meta_path.insert(0, Finder())
print(run_collector(lambda program, argv: print(json.dumps([program, argv]))))
"""
USE_OF_ALL_CLIENTS = """
    assert isinstance(heat.keystoneclient.Client, type), heat
    assert callable(heat.heatclient.Client)
    assert isinstance(keystone.ks_keystoneclient.Client, type)
    assert callable(keystone.ks_discover.Discover)
    assert callable(keystone.cache.make_region)
    assert cfn.etree.fromstring("<a><b>x</b></a>").findtext("b") == "x"
    assert issubclass(keystone.ks_exc.AuthorizationFailure, Exception)
    assert isinstance(zaqar.zaqarclient.Client, type)
    assert callable(zaqar.transport.get_transport_for)
    assert callable(zaqar.request.Request)
    import asyncio.locks
    from asyncio import run
    assert issubclass(asyncio.Lock, asyncio.locks.Lock)
    assert callable(run)
"""


def run_python(code: str) -> list[str]:
    completed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return completed.stdout.splitlines()


def start_collector(body: str = "") -> Mapping[str, object]:
    pytest.importorskip("os_collect_config")
    answer: Mapping[str, object] = json.loads(run_python(START % body)[0])
    return answer


def test_a_collector_starts_without_the_clients_that_it_may_never_need() -> None:
    assert start_collector()["deferred"] == [*DEFERRED_MODULES]


def test_it_gets_no_argument_and_executes_this_program_when_its_configuration_has_changed() -> None:
    answer = start_collector()

    assert answer["args"] == ["os-collect-config"]
    assert answer["argv"] == ["/opt/guestagent/bin/guestagent", "collect"]


def test_each_deferred_client_is_there_when_a_collector_uses_it() -> None:
    start_collector(USE_OF_ALL_CLIENTS)


def test_if_a_deferred_library_does_not_load_the_plain_program_runs() -> None:

    with pytest.raises(subprocess.CalledProcessError) as failure:
        start_collector("raise AttributeError('no Client')")
    lines = failure.value.stdout.splitlines()

    program = "/opt/guestagent/bin/os-collect-config"
    assert json.loads(lines[1]) == [program, [program]]
    assert f"no Client: running {program} with all its libraries" in failure.value.stderr


def test_without_os_collect_config_the_plain_program_reports_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "os_collect_config.collect", None)
    executed: list[str] = []

    with pytest.raises(ImportError):
        run_collector(lambda program, argv: executed.append(Path(program).name))

    assert executed == ["os-collect-config"]
