"""The two template formats, HOT and CloudFormation: their sections, keys and functions."""

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
    """One template format at one version. Our own names are CFN's keywords; `get_keyword` translates them."""

    functions: FunctionSet = field(repr=False)
    sections: frozenset[str]
    is_hot: bool

    def get_keyword(self, name: str) -> str:
        """Return the format's keyword for a section or key."""
        return HOT_KEYWORDS[name] if self.is_hot else name

    def build_path(self, resource: str, part: str = "Properties") -> str:
        """Build the path of a resource's part as Heat's errors have it."""
        return f"{self.get_keyword('Resources')}.{resource}.{self.get_keyword(part)}"

    def build_pseudo_parameters(
        self, name: str, stack_id: str, arn: str, project: str
    ) -> Mapping[str, object]:
        """Build the parameters that every stack has."""
        if self.is_hot:
            return {"OS::project_id": project, "OS::stack_id": stack_id, "OS::stack_name": name}
        return {"AWS::StackName": name, "AWS::StackId": arn, "AWS::Region": PSEUDO_REGION}


CFN_FORMAT = TemplateFormat(CFN_FUNCTIONS, CFN_SECTIONS, is_hot=False)


def detect_format(source: Mapping[str, object]) -> TemplateFormat:
    """Detect the format from a template's version key."""
    keys = [key for key in (*CFN_VERSIONS, HOT_VERSION_KEY) if key in source]
    if not keys:
        raise InvalidTemplateVersion("The template version is invalid: Template version was not provided")
    if len(keys) > 1:
        raise InvalidTemplateVersion(
            f"The template version is invalid: Ambiguous versions ({', '.join(keys)})"
        )
    [key] = keys
    versions, version = CFN_VERSIONS.get(key, HOT_VERSIONS), str(source[key])
    if version not in versions:
        one_of = " one of" if len(versions) > 1 else ""
        raise InvalidTemplateVersion(
            f'The template version is invalid: "{key}: {version}". '
            f'"{key}" should be{one_of}: {", ".join(sorted(versions))}'
        )
    if key != HOT_VERSION_KEY:
        return CFN_FORMAT
    release_date = HOT_RELEASES.get(version, version)
    conditions = {"conditions"} if release_date >= HOT_RELEASES["newton"] else set()
    return TemplateFormat(build_hot_functions(release_date), HOT_SECTIONS | conditions, is_hot=True)


def list_versions() -> list[dict[str, object]]:
    """List every version of both formats as Heat does, with its aliases."""
    cfn_versions = sorted(
        f"{key}.{version}" for key, versions in CFN_VERSIONS.items() for version in versions
    )
    rows: list[dict[str, object]] = [
        {"version": cfn_version, "type": "cfn", "aliases": []} for cfn_version in cfn_versions
    ]
    for version in sorted(HOT_VERSIONS - HOT_RELEASES.keys()):
        aliases = [
            f"{HOT_VERSION_KEY}.{release}"
            for release, release_date in HOT_RELEASES.items()
            if release_date == version
        ]
        rows.append({"version": f"{HOT_VERSION_KEY}.{version}", "type": "hot", "aliases": aliases})
    return rows
