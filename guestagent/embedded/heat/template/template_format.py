"""The two languages that a template is written in: what sections, keys and functions are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from guestagent.embedded.heat.template.cfn_functions import CFN_FUNCTIONS
from guestagent.embedded.heat.template.errors import InvalidTemplateVersion
from guestagent.embedded.heat.template.functions import FunctionSet
from guestagent.embedded.heat.template.hot_functions import build_hot_functions

CFN_VERSIONS: Mapping[str, frozenset[str]] = {
    "AWSTemplateFormatVersion": frozenset({"2010-09-09"}),
    "HeatTemplateFormatVersion": frozenset({"2012-12-12"}),
}
HOT_VERSION_KEY = "heat_template_version"
HOT_RELEASES: Mapping[str, str] = {
    "newton": "2016-10-14", "ocata": "2017-02-24", "pike": "2017-09-01", "queens": "2018-03-02",
    "rocky": "2018-08-31", "wallaby": "2021-04-16",
}  # fmt: skip
HOT_VERSIONS = frozenset(
    {
        "2013-05-23",
        "2014-10-16",
        "2015-04-30",
        "2015-10-15",
        "2016-04-08",
        *HOT_RELEASES.values(),
        *HOT_RELEASES,
    }
)
HOT_KEYWORDS: Mapping[str, str] = {
    "Description": "description",
    "Parameters": "parameters",
    "Resources": "resources",
    "Outputs": "outputs",
    "Type": "type",
    "Properties": "properties",
    "Metadata": "metadata",
    "DependsOn": "depends_on",
    "DeletionPolicy": "deletion_policy",
    "Condition": "condition",
    "Value": "value",
    "Default": "default",
    "NoEcho": "hidden",
    "Label": "label",
}
HOT_SECTIONS = frozenset(
    {HOT_VERSION_KEY, "description", "parameter_groups", "parameters", "resources", "outputs"}
)
CFN_SECTIONS = frozenset(
    {*CFN_VERSIONS, "Description", "Parameters", "Resources", "Outputs", "Mappings", "Conditions"}
)
PSEUDO_REGION = (
    "ap-southeast-1"  # whatever the cloud's own region is called: Heat's CFN parameter never changes
)


@dataclass(frozen=True, slots=True)
class TemplateFormat:
    """One dialect at one version. Everything here is named by the CFN dialect's words; `word` translates."""

    functions: FunctionSet = field(repr=False)
    sections: frozenset[str]
    is_hot: bool

    def get_keyword(self, name: str) -> str:
        """What the dialect calls a section or key."""
        return HOT_KEYWORDS[name] if self.is_hot else name

    def build_path(self, resource: str, part: str = "Properties") -> str:
        """Where a part of a resource stands, as refusals say it."""
        return f"{self.get_keyword('Resources')}.{resource}.{self.get_keyword(part)}"

    def build_pseudo_parameters(
        self, name: str, stack_id: str, arn: str, project: str
    ) -> Mapping[str, object]:
        """The parameters that every stack has."""
        if self.is_hot:
            return {"OS::project_id": project, "OS::stack_id": stack_id, "OS::stack_name": name}
        return {"AWS::StackName": name, "AWS::StackId": arn, "AWS::Region": PSEUDO_REGION}


CFN_FORMAT = TemplateFormat(CFN_FUNCTIONS, CFN_SECTIONS, is_hot=False)


def detect_format(source: Mapping[str, object]) -> TemplateFormat:
    """The dialect that a template says it is in."""
    present = [key for key in (*CFN_VERSIONS, HOT_VERSION_KEY) if key in source]
    if not present:
        raise InvalidTemplateVersion("The template version is invalid: Template version was not provided")
    if len(present) > 1:
        raise InvalidTemplateVersion(
            f"The template version is invalid: Ambiguous versions ({', '.join(present)})"
        )
    [key] = present
    known, version = CFN_VERSIONS.get(key, HOT_VERSIONS), str(source[key])
    if version not in known:
        choice = " one of" if len(known) > 1 else ""
        raise InvalidTemplateVersion(
            f'The template version is invalid: "{key}: {version}". '
            f'"{key}" should be{choice}: {", ".join(sorted(known))}'
        )
    if key != HOT_VERSION_KEY:
        return CFN_FORMAT
    began = HOT_RELEASES.get(version, version)
    conditions = {"conditions"} if began >= HOT_RELEASES["newton"] else set()
    return TemplateFormat(build_hot_functions(began), HOT_SECTIONS | conditions, is_hot=True)


def list_versions() -> list[dict[str, object]]:
    """Every version of both languages as Heat lists them, each with its other names."""
    cfn = sorted(f"{key}.{version}" for key, known in CFN_VERSIONS.items() for version in known)
    rows: list[dict[str, object]] = [{"version": each, "type": "cfn", "aliases": []} for each in cfn]
    for version in sorted(HOT_VERSIONS - HOT_RELEASES.keys()):
        names = [
            f"{HOT_VERSION_KEY}.{release}" for release, began in HOT_RELEASES.items() if began == version
        ]
        rows.append({"version": f"{HOT_VERSION_KEY}.{version}", "type": "hot", "aliases": names})
    return rows
