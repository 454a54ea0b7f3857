"""The main job on one machine, watched: a cluster launched, grown and shrunk while rows are written and read."""

from guestagent.demo.findings import Failing, Findings
from guestagent.demo.ground import Ground
from guestagent.demo.play import STACK, cast, play
from guestagent.demo.stage import Act, Cast, Counted, Place, Server, Stage, Tell, Told

__all__ = [
    "STACK",
    "Act",
    "Cast",
    "Counted",
    "Failing",
    "Findings",
    "Ground",
    "Place",
    "Server",
    "Stage",
    "Tell",
    "Told",
    "cast",
    "play",
]
