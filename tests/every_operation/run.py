"""Runs the scenario with one engine on a cloud, and compares the project before and after it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openstack

from guestagent.embedded import serving
from tests.every_operation.manager_host import ManagerHost
from tests.every_operation.project_state import read_project
from tests.every_operation.scenario import Performance, Tell
from tests.support.imitated_guests import ImitatedGuests
from tests.support.message_broker.broker import open_broker
from tests.support.signalling_guests import SignallingHypervisor

MIGRATION = "migration"


def run_every_operation(
    engine: str, folder: Path, tell: Tell, left_out: frozenset[str] = frozenset()
) -> list[str]:
    """Return the kinds of the orders that were done. Guests only signal: of Heat's and of NATIVES' clusters alike."""
    hypervisor = SignallingHypervisor()
    with serving(hypervisor) as served, ImitatedGuests(hypervisor):
        return perform_every_operation(engine, served.connect, folder, tell, left_out)


def perform_every_operation(
    engine: str,
    login: Mapping[str, Any],
    folder: Path,
    tell: Tell,
    left_out: frozenset[str] = frozenset(),
) -> list[str]:
    """Return the kinds of the orders that were done in a project of any cloud, whose guests signal.

    `login` are the arguments of `openstack.connect`. MIGRATION finds a cluster that a service of NATIVES has created,
    and creates one of its own.
    """
    with openstack.connect(**login) as connection, open_broker(folder / "broker") as broker:
        before, host = read_project(connection), ManagerHost(login, broker, folder)
        performed = _run_migration(host, tell, left_out) if engine == MIGRATION else []
        if engine != MIGRATION:
            with host.serve(engine) as manager:
                performed = _run_life(Performance(manager, "shop", tell, left_out))
        after = read_project(connection)
        assert after == before, {
            key: (before[key], after[key]) for key in before if before[key] != after[key]
        }
    return performed


def _run_life(performance: Performance) -> list[str]:
    performance.create()
    performance.change_and_delete()
    return performance.performed


def _run_migration(host: ManagerHost, tell: Tell, left_out: frozenset[str]) -> list[str]:
    with host.serve("natives") as natives:
        Performance(natives, "old", tell).create()
    with host.serve(MIGRATION) as manager:
        old = Performance(manager, "old", tell, left_out)
        new = Performance(manager, "new", tell, left_out)
        new.create()
        owners = [manager.owner(name).engine for name in ("old", "new")]
        assert owners == ["natives", "orchestrator"], owners
        old.change_and_delete()
        new.change_and_delete()
    return [*new.performed, *old.performed]
