"""The template languages that Heat reads: their versions, sections, functions and pseudo parameters.

The tables are Heat's own, of releases 19 to 27.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RELEASES: Mapping[str, str] = {
    "newton": "2016-10-14",
    "ocata": "2017-02-24",
    "pike": "2017-09-01",
    "queens": "2018-03-02",
    "rocky": "2018-08-31",
    "wallaby": "2021-04-16",
}
HOT_VERSIONS = ("2013-05-23", "2014-10-16", "2015-04-30", "2015-10-15", "2016-04-08", *RELEASES.values())
VERSIONS: Mapping[str, tuple[str, ...]] = {
    "AWSTemplateFormatVersion": ("2010-09-09",),
    "HeatTemplateFormatVersion": ("2012-12-12",),
    "heat_template_version": (*HOT_VERSIONS, *RELEASES),
}

CFN_SECTIONS = ("Description", "Mappings", "Parameters", "Resources", "Outputs")
HOT_SECTIONS = ("description", "parameter_groups", "parameters", "resources", "outputs")
HOT_RESOURCE_KEYS = (
    "type", "properties", "metadata", "depends_on", "deletion_policy", "update_policy", "description",
)  # fmt: skip
HOT_PARAMETER_TYPES = ("string", "number", "comma_delimited_list", "json", "boolean")
CFN_PARAMETER_TYPES = ("String", "Number", "CommaDelimitedList", "Json", "Boolean")

CFN_FUNCTIONS = frozenset(
    {
        "Ref", "Fn::GetAtt", "Fn::FindInMap", "Fn::GetAZs", "Fn::Select", "Fn::Join", "Fn::Split", "Fn::Replace",
        "Fn::Base64", "Fn::MemberListToMap", "Fn::ResourceFacade", "Fn::If",
    }
)  # fmt: skip
CFN_CONDITION_FUNCTIONS = frozenset({"Ref", "Fn::FindInMap", "Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or"})
ONLY_CFN_FUNCTIONS = frozenset({"Fn::GetAtt", "Fn::FindInMap", "Fn::If"})
"""Those that no version of HOT has had."""

LATEST = "9999"
HOT_FUNCTIONS: Mapping[str, tuple[str, str]] = {
    "get_param": (HOT_VERSIONS[0], LATEST),
    "get_resource": (HOT_VERSIONS[0], LATEST),
    "get_attr": (HOT_VERSIONS[0], LATEST),
    "get_file": (HOT_VERSIONS[0], LATEST),
    "list_join": (HOT_VERSIONS[0], LATEST),
    "str_replace": (HOT_VERSIONS[0], LATEST),
    "resource_facade": (HOT_VERSIONS[0], LATEST),
    "repeat": ("2015-04-30", LATEST),
    "digest": ("2015-04-30", LATEST),
    "str_split": ("2015-10-15", LATEST),
    "map_merge": ("2016-04-08", LATEST),
    "map_replace": (RELEASES["newton"], LATEST),
    "yaql": (RELEASES["newton"], LATEST),
    "if": (RELEASES["newton"], LATEST),
    "filter": (RELEASES["ocata"], LATEST),
    "str_replace_strict": (RELEASES["ocata"], LATEST),
    "str_replace_vstrict": (RELEASES["pike"], LATEST),
    "make_url": (RELEASES["pike"], LATEST),
    "list_concat": (RELEASES["pike"], LATEST),
    "list_concat_unique": (RELEASES["pike"], LATEST),
    "contains": (RELEASES["pike"], LATEST),
    **dict.fromkeys(CFN_FUNCTIONS - ONLY_CFN_FUNCTIONS, (HOT_VERSIONS[0], "2014-10-16")),
    "Fn::Select": (HOT_VERSIONS[0], "2015-10-15"),
}
"""The first version that has each function, and the first that no longer has it."""
HOT_CONDITION_FUNCTIONS = frozenset({"get_param", "equals", "not", "and", "or", "yaql", "contains"})
DATA_LIKE = frozenset({"digest", "if", "filter", "contains", "yaql", "repeat"})
"""Function names that are ordinary words: a version without the function may use them as keys of data."""


@dataclass(frozen=True, slots=True)
class TemplateLanguage:
    """One language at one version. `version` is empty if the template names none that Heat knows."""

    key: str
    version: str
    sections: frozenset[str]
    resource_keys: frozenset[str] | None
    functions: frozenset[str]
    condition_functions: frozenset[str]
    pseudo_parameters: frozenset[str]
    parameter_types: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.key} {self.version}".strip()

    @property
    def is_hot(self) -> bool:
        return self.key == "heat_template_version"

    def can_resolve(self, name: str, in_condition: bool) -> bool:
        """Whether Heat calls the function `name`, and does not take it for data."""
        return name in (self.condition_functions if in_condition else self.functions)

    def is_foreign(self, name: str, in_condition: bool) -> bool:
        """Whether `name` is a function that this language lacks, and hardly meant as data."""
        if self.can_resolve(name, in_condition) or (not self.version and self.is_hot):
            return False
        others = (HOT_FUNCTIONS.keys() - DATA_LIKE) | CFN_FUNCTIONS
        return name in others or name.startswith("Fn::")


def identify_language(template: Mapping[str, object], is_hot: bool) -> TemplateLanguage:
    """Return the language that the template says it is in; `is_hot` decides if it names no version."""
    keys = [key for key in VERSIONS if key in template]
    key = keys[0] if len(keys) == 1 else "heat_template_version" if is_hot else "AWSTemplateFormatVersion"
    named = str(template.get(key))
    version = RELEASES.get(named, named) if named in VERSIONS[key] else ""
    return _hot(version) if key == "heat_template_version" else _cfn(key, version)


def _hot(version: str) -> TemplateLanguage:
    at = version or HOT_VERSIONS[-1]
    has_conditions = at >= RELEASES["newton"]
    return TemplateLanguage(
        key="heat_template_version",
        version=version,
        sections=frozenset(
            ("heat_template_version", *HOT_SECTIONS, *(("conditions",) if has_conditions else ()))
        ),
        resource_keys=frozenset(
            (*HOT_RESOURCE_KEYS, *(("condition", "external_id") if has_conditions else ()))
        ),
        functions=frozenset(name for name, (first, end) in HOT_FUNCTIONS.items() if first <= at < end),
        condition_functions=HOT_CONDITION_FUNCTIONS,
        pseudo_parameters=frozenset({"OS::stack_id", "OS::stack_name", "OS::region", "OS::project_id"}),
        parameter_types=HOT_PARAMETER_TYPES,
    )


def _cfn(key: str, version: str) -> TemplateLanguage:
    has_conditions = key != "HeatTemplateFormatVersion"
    return TemplateLanguage(
        key=key,
        version=version,
        sections=frozenset((key, *CFN_SECTIONS, *(("Conditions",) if has_conditions else ()))),
        resource_keys=None,
        functions=CFN_FUNCTIONS if has_conditions else CFN_FUNCTIONS - {"Fn::If"},
        condition_functions=CFN_CONDITION_FUNCTIONS,
        pseudo_parameters=frozenset({"AWS::StackId", "AWS::StackName", "AWS::Region"}),
        parameter_types=CFN_PARAMETER_TYPES,
    )
