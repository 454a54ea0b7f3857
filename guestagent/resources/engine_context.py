"""What engines are built from, and where they are found: the entry points of the group `guestagent.resources`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from guestagent.controller.openstack_session import Connection
from guestagent.errors import InvalidSettings, Problem, UnsupportedEnvironment
from guestagent.resources.endpoint.node_document import EndpointAddress
from guestagent.resources.engine_selection import EngineSelection
from guestagent.resources.store.protocol import OrderStore

ENTRY_POINT_GROUP = "guestagent.resources"
DEFAULT_SETTLE_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineContext:
    """What a service has for its engines.

    `endpoint` is how the guests of NATIVES reach the service, and `authority` the CA of its certificate (PEM; None:
    one that the images trust). Without an endpoint NATIVES cannot be built. `settle_s` is the settle time: for so long
    the effect of a request may be late.
    """

    connection: Connection
    store: OrderStore
    endpoint: EndpointAddress | None = None
    authority: str | None = None
    settle_s: float = DEFAULT_SETTLE_S


EngineFactory = Callable[[EngineContext], EngineSelection]


def find_engine_factory(name: str) -> EngineFactory:
    """Return what builds the engines of this name. Raise InvalidSettings if no package, or more than one, has it."""
    known = entry_points(group=ENTRY_POINT_GROUP)
    named = {(each.name, each.value): each for each in known if each.name == name}
    if not named:
        names = ", ".join(list_engine_names())
        raise InvalidSettings([Problem("resources.engine", f"auto, or one of {names}", name)])
    if len(named) > 1:
        places = " and ".join(sorted(value for _, value in named))
        raise InvalidSettings(
            [Problem("resources.engine", "one package with this engine", places, "remove one of them")]
        )
    return _load_factory(*named.values())


def list_engine_names() -> list[str]:
    """Return the names of all engines that are installed."""
    return sorted({each.name for each in entry_points(group=ENTRY_POINT_GROUP)})


def _load_factory(entry_point: EntryPoint) -> EngineFactory:
    try:
        factory: EngineFactory = entry_point.load()
    except (ImportError, AttributeError) as error:
        raise UnsupportedEnvironment(
            f"engine {entry_point.name} cannot be loaded from {entry_point.value}: {error}"
        ) from error
    return factory
