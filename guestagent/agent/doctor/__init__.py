"""`guestagent doctor`: why is this node not ready, and why was it not heard? Looks at everything, changes nothing."""

from guestagent.agent.doctor.finding import Finding, Grade
from guestagent.agent.doctor.probes import Probes
from guestagent.agent.doctor.report import examine_node

__all__ = ["Finding", "Grade", "Probes", "examine_node"]
