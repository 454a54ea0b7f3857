"""Lets the donor of a source serve replicas as long as they wait for their data, in every pass."""

from __future__ import annotations

import logging

from guestagent.agent.donor_record import find_finished_entries
from guestagent.agent.donor_service import DonorAccess
from guestagent.agent.journal import Journal
from guestagent.agent.model import DesiredState, ObservedState
from guestagent.metadata.document import Document

LOG = logging.getLogger("guestagent")


class DonorCoordinator:
    """The donor of one document's source. Without `access` there is no donor of backup streams."""

    def __init__(self, document: Document, access: DonorAccess | None, journal: Journal) -> None:
        self._document, self._access, self._journal = document, access, journal

    def begin_pass(self) -> None:
        """End the donor of replicas that do not wait any more, whatever the pass comes to.

        This does not renew its lease: the server has not shown yet which replicas have a channel.
        """
        if self._access is not None:
            self._access.restrict(self._document, self._journal.state.donors)

    def follow(self, desired: DesiredState, observed: ObservedState, *, can_change: bool) -> DesiredState:
        """Record which seeds are over, and return the state without their accounts. Let the donor serve the others.

        If the pass must not change the server (`can_change` is false), a donor that runs goes on for the same replicas,
        or for fewer.
        """
        before = find_finished_entries(self._journal.state.donors)
        donors = self._journal.record_donors(desired.joining_replicas, observed.server.replica_users)
        for entry in find_finished_entries(donors) - before:
            LOG.info("the seed of %s as %s is over, and so is its donor", entry.node, entry.user)
        if self._access is not None:
            if observed.lost_journal:
                self._access.end()  # nobody knows which seeds are over
            elif can_change:
                self._access.serve(self._document, observed.server, donors)
            else:
                self._access.restrict(self._document, donors)
                self._access.renew()
        return desired.remove_finished_seeds(donors)
