"""Which engine has to do with which cluster: its owner for one that exists, one of them for all that are new. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.errors import OrderRefused
from guestagent.resources.engine import ResourceEngine, ResourceReader
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orders import Clean, Order
from guestagent.resources.store.records import ClusterSnapshot
from guestagent.resources.views import find_engine_names


@dataclass(frozen=True, slots=True)
class EngineSelection:
    """The engines of a service, by name. `name` is the one in its settings; `new` owns the clusters to come.

    NATIVES and ORCHESTRATOR are selections of one engine. MIGRATION is both, with ORCHESTRATOR for what is new.
    """

    name: str
    engines: Mapping[str, ResourceEngine]
    new: str

    @property
    def orders(self) -> frozenset[str]:
        """The kinds of orders that at least one of the engines can carry out."""
        return frozenset(kind for engine in self.engines.values() for kind in engine.orders)

    def choose_owner(self, order: Order) -> str:
        """Return the owner of a cluster that this order begins: `new`; of an order to clean, who made the findings."""
        found_by = find_engine_names(order.findings) if isinstance(order, Clean) else set()
        return next(iter(sorted(found_by & self.engines.keys())), self.new)

    def find_engine(self, owner: str, cluster: str) -> ResourceEngine:
        """Return the engine of this name, which owns the cluster. Raise OrderRefused if it is not served here."""
        engine = self.engines.get(owner)
        if engine is None:
            raise OrderRefused(
                RefusalCode.UNSUPPORTED,
                f"cluster {cluster} belongs to engine {owner}, and this service runs {self.name}: "
                f"set engine = migration",
            )
        return engine

    def list_readers(self) -> Mapping[str, ResourceReader]:
        """Return the engines that show what is in the cloud, by name."""
        return {name: engine for name, engine in self.engines.items() if isinstance(engine, ResourceReader)}

    def find_reader(self, snapshot: ClusterSnapshot) -> ResourceReader:
        """Return the owner of a cluster as its reader. Raise OrderRefused if there is none."""
        engine = self.find_engine(snapshot.cluster.engine, snapshot.cluster.name)
        return require_reader(engine)


def require_reader(engine: ResourceEngine) -> ResourceReader:
    """Return the engine as a reader. Raise OrderRefused if it is none."""
    if not isinstance(engine, ResourceReader):
        raise OrderRefused(RefusalCode.UNSUPPORTED, f"engine {engine.name} shows no resources")
    return engine


def select_engine(engine: ResourceEngine) -> EngineSelection:
    """Return the selection of one engine."""
    return EngineSelection(engine.name, {engine.name: engine}, engine.name)
