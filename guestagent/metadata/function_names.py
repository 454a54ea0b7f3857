"""The names of Heat's template functions, in both template formats. Pure."""

from __future__ import annotations

CFN_FUNCTIONS = (
    "Ref", "Fn::GetAtt", "Fn::Join", "Fn::Split", "Fn::Select", "Fn::Replace", "Fn::Base64", "Fn::FindInMap",
    "Fn::GetAZs", "Fn::MemberListToMap", "Fn::ResourceFacade", "Fn::If",
)  # fmt: skip
CFN_LOGICAL_FUNCTIONS = ("Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or")
"""Functions of conditions only."""
HOT_FUNCTIONS = (
    "get_resource", "get_attr", "get_param", "get_file", "list_join", "list_concat", "list_concat_unique",
    "str_replace", "str_replace_strict", "str_split", "str_replace_vstrict", "map_merge", "map_replace", "repeat",
    "resource_facade", "digest", "make_url", "contains", "filter", "yaql", "if",
)  # fmt: skip
HOT_LOGICAL_FUNCTIONS = ("equals", "not", "and", "or")
