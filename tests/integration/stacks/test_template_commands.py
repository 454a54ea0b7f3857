"""`guestagent cluster template`, `convert` and `lint`: commands that need no cloud."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.support.cluster_commands import ClusterCommands

# openstacksdk warns of itself at every connect and request.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


def test_the_template_of_a_file_can_be_seen_and_checked_without_a_cloud(
    commands: ClusterCommands, tmp_path: Path
) -> None:
    code, template, _ = commands.run("template", "prod.yaml")
    assert code == 0
    (tmp_path / "template.yaml").write_text(template)

    assert commands.run("lint", "template.yaml") == (0, "", "")


def test_a_template_can_be_had_in_the_other_dialect(commands: ClusterCommands, tmp_path: Path) -> None:
    _, converted, _ = commands.run("template", "prod.yaml", "--dialect", "hot")
    (tmp_path / "hot.yaml").write_text(converted)

    code, restored, _ = commands.run("convert", "hot.yaml")

    assert converted.startswith("heat_template_version: '2018-08-31'")
    assert commands.run("lint", "hot.yaml") == (0, "", "")
    assert (code, restored) == (0, commands.run("template", "prod.yaml")[1])


def test_a_template_written_by_hand_is_converted_and_its_mistakes_are_reported(
    commands: ClusterCommands, tmp_path: Path
) -> None:
    server = "Type: AWS::EC2::Instance, Properties: {ImageId: i, InstanceType: f}"
    by_hand = f"Resources: {{Db: {{{server}, Metadata: {{ReadyWaitCondition: {{Ref: Handel}}}}}}}}\n"
    (tmp_path / "old.yaml").write_text(by_hand)

    code, converted, err = commands.run("convert", "old.yaml")

    assert (code, yaml.safe_load(converted)["resources"]["Master0000"]["properties"]["flavor"]) == (0, "f")
    assert "ReadyWaitCondition.Ref: expected a resource or parameter of this template, found Handel" in err


def test_the_mistakes_of_a_template_of_2013_are_reported(commands: ClusterCommands, tmp_path: Path) -> None:
    (tmp_path / "seed.yaml").write_text("Resources: {W: {Type: AWS::CloudFormation::WaitCondition}}\n")

    code, answer, _ = commands.run("lint", "seed.yaml", "--json")

    assert code == 2
    assert "Resources.W.Properties" in [problem["path"] for problem in json.loads(answer)["problems"]]
