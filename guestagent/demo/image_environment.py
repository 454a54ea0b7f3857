"""The environment of a demo whose nodes boot an image: containers, each with the image's own systemd and cloud-init."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from guestagent.demo.environment import LOG_LINE_LIMIT, SEED_STATE, EmbeddedEnvironment, read_last_lines
from guestagent.demo.protocols import DemoServer
from guestagent.demo.seed_watch import describe_seed_state
from guestagent.embedded.containers import open_image_tree
from guestagent.embedded.containers.requirements import check_requirements
from guestagent.embedded.image_trees import MARIADB_RECIPE, provide_tree
from guestagent.embedded.process import client
from guestagent.embedded.process.state_file import CloudOptions
from guestagent.errors import GuestAgentError

READ_LOG_COMMAND = (
    "journalctl",
    "--unit=guestagent",
    f"--lines={LOG_LINE_LIMIT}",
    "--output=cat",
    "--no-pager",
)
READ_SEED_COMMAND = ("cat", f"/var/lib/guestagent/{SEED_STATE}")


class ImageEnvironment(EmbeddedEnvironment):
    """The real `DemoEnvironment` with an image. `tree` None: the image is built from the elements."""

    def __init__(self, options: CloudOptions, tree: Path | None) -> None:
        family = "mariadb" if tree is None else open_image_tree(tree).family
        super().__init__(replace(options, image_tree=tree), f"guestagent-{family}")

    @property
    def nodes_description(self) -> str:
        return f"its nodes boot the image {self.options.image_tree}, each with its own systemd"

    def check_requirements(self) -> None:
        check_requirements(self.options.state_folder)

    def prepare_image(self, report: Callable[[str], None]) -> None:
        if self.options.image_tree is None:
            tree = provide_tree(MARIADB_RECIPE, report)
            self.options = replace(self.options, image_tree=tree)

    def describe_seed(self, server: DemoServer) -> str:
        """Read the state in the node, whose disk is mounted there alone."""
        try:
            answer = client.run_in_guest(self.options, server.id, READ_SEED_COMMAND)
        except GuestAgentError:
            return ""
        return describe_seed_state(answer.stdout.encode()) if answer.stdout else ""

    def read_agent_log(self, server: DemoServer) -> tuple[str, ...]:
        """Return the end of the journal; of the console if the node does not run."""
        try:
            answer = client.run_in_guest(self.options, server.id, READ_LOG_COMMAND)
        except GuestAgentError:
            return read_last_lines(self.options.state_folder / "guests" / server.id / "console.log")
        return tuple(answer.stdout.splitlines())
