"""The template languages that Heat reads: their versions, sections, functions and pseudo parameters.

The tables are Heat's own, of releases 19 to 27.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import guestagent.metadata.function_names as function_names

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

CFN_FUNCTIONS = frozenset(function_names.CFN_FUNCTIONS)
CFN_CONDITION_FUNCTIONS = frozenset({"Ref", "Fn::FindInMap", *function_names.CFN_LOGICAL_FUNCTIONS})
ONLY_CFN_FUNCTIONS = frozenset({"Fn::GetAtt", "Fn::FindInMap", "Fn::If"})
"""Functions that no version of HOT has had."""

LATEST = "9999"
LATER_HOT_FUNCTIONS: Mapping[str, str] = {
    "repeat": "2015-04-30",
    "digest": "2015-04-30",
    "str_split": "2015-10-15",
    "map_merge": "2016-04-08",
    "map_replace": RELEASES["newton"],
    "yaql": RELEASES["newton"],
    "if": RELEASES["newton"],
    "filter": RELEASES["ocata"],
    "str_replace_strict": RELEASES["ocata"],
    "str_replace_vstrict": RELEASES["pike"],
    "make_url": RELEASES["pike"],
    "list_concat": RELEASES["pike"],
    "list_concat_unique": RELEASES["pike"],
    "contains": RELEASES["pike"],
}
"""The first version of each function that the first version of HOT did not have."""
HOT_FUNCTIONS: Mapping[str, tuple[str, str]] = {
    **{
        name: (LATER_HOT_FUNCTIONS.get(name, HOT_VERSIONS[0]), LATEST)
        for name in function_names.HOT_FUNCTIONS
    },
    **dict.fromkeys(CFN_FUNCTIONS - ONLY_CFN_FUNCTIONS, (HOT_VERSIONS[0], "2014-10-16")),
    "Fn::Select": (HOT_VERSIONS[0], "2015-10-15"),
}
"""The first version that has each function, and the first that no longer has it."""
HOT_CONDITION_FUNCTIONS = frozenset({"get_param", "yaql", "contains", *function_names.HOT_LOGICAL_FUNCTIONS})
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
        """Return whether Heat calls the function `name`, and does not read it as data."""
        return name in (self.condition_functions if in_condition else self.functions)

    def is_foreign(self, name: str, in_condition: bool) -> bool:
        """Return whether `name` is a function that this language lacks, and unlikely to be data."""
        if self.can_resolve(name, in_condition) or (not self.version and self.is_hot):
            return False
        all_functions = (HOT_FUNCTIONS.keys() - DATA_LIKE) | CFN_FUNCTIONS
        return name in all_functions or name.startswith("Fn::")


def identify_language(template: Mapping[str, object], is_hot: bool) -> TemplateLanguage:
    """Return the language of a template. `is_hot` decides if the template names no version."""
    keys = [key for key in VERSIONS if key in template]
    key = keys[0] if len(keys) == 1 else "heat_template_version" if is_hot else "AWSTemplateFormatVersion"
    version_name = str(template.get(key))
    version = RELEASES.get(version_name, version_name) if version_name in VERSIONS[key] else ""
    return _hot(version) if key == "heat_template_version" else _cfn(key, version)


def _hot(version: str) -> TemplateLanguage:
    effective_version = version or HOT_VERSIONS[-1]
    has_conditions = effective_version >= RELEASES["newton"]
    return TemplateLanguage(
        key="heat_template_version",
        version=version,
        sections=frozenset(
            ("heat_template_version", *HOT_SECTIONS, *(("conditions",) if has_conditions else ()))
        ),
        resource_keys=frozenset(
            (*HOT_RESOURCE_KEYS, *(("condition", "external_id") if has_conditions else ()))
        ),
        functions=frozenset(
            name for name, (first, end) in HOT_FUNCTIONS.items() if first <= effective_version < end
        ),
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
