"""Commands that work on templates without a cloud: what goes to which stream."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guestagent.cli.command_line import main

BY_HAND = """
AWSTemplateFormatVersion: '2010-09-09'
Parameters: {Size: {Type: String, Default: f}}
Resources:
  Db:
    Type: AWS::EC2::Instance
    Metadata: {ReadyWaitCondition: {Ref: Handel}}
    Properties: {ImageId: i, InstanceType: {Ref: Size}, SubnetId: lan, UserData: s3cret}
"""


def test_a_conversion_prints_the_template_and_reports_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old.yaml").write_text(BY_HAND)

    code = main(["cluster", "convert", str(tmp_path / "old.yaml"), "--json"])

    printed, reported = (json.loads(text) for text in capsys.readouterr())
    assert code == 0
    assert printed["resources"]["Master0000"]["properties"]["flavor"] == "f"
    assert [problem["found"] for problem in reported["problems"]] == ["Handel"]
    assert reported["left_behind"] == [
        {"path": "Parameters.Size", "what": "a mapping"},
        {"path": "Resources.Db.Properties.UserData", "what": "a string"},
    ]


def test_a_conversion_of_anything_but_a_cluster_prints_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old.yaml").write_text(BY_HAND.replace("ReadyWaitCondition", "Something"))

    code = main(["cluster", "convert", str(tmp_path / "old.yaml")])

    printed, reported = capsys.readouterr()
    assert (code, printed) == (2, "")
    assert (
        "expected one AWS::EC2::Instance or more whose Metadata holds ReadyWaitCondition, Users or Master"
        in reported
    )


@pytest.mark.parametrize("command", ["lint", "convert"])
def test_a_cluster_yaml_is_recognised_and_the_command_that_renders_it_is_named(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text("flavor: f\nimage: i\nsource: {}\n")

    code = main(["cluster", command, str(file)])

    assert code == 2
    assert (
        f"expected a Heat template, found a cluster.yaml (render it first: guestagent cluster template {file})"
        in capsys.readouterr().err
    )
