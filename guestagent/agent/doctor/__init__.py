"""`guestagent doctor`: finds why a node is not ready, or why Heat got no signal from it. Changes nothing."""

from guestagent.agent.doctor.finding import Finding, Grade
from guestagent.agent.doctor.probes import Probes
from guestagent.agent.doctor.report import examine_node

__all__ = ["Finding", "Grade", "Probes", "examine_node"]
