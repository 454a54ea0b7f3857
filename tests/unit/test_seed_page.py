"""The page about seeds that do not end has each reason that the code can give, with `...` for what varies."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from guestagent.database.mysql.clone_diagnosis import DONOR_RULES, RECIPIENT_RULES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/troubleshooting/seed.md").read_text(encoding="utf-8")
FILES = sorted([*(ROOT / "guestagent/seeding").rglob("*.py"), *(ROOT / "guestagent/agent").glob("seed_*.py")])
ROW = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)


def read_page_reasons() -> set[str]:
    return set(ROW.findall(PAGE))


def list_code_reasons(path: Path) -> Iterator[str]:
    """List the texts of a file's reasons. One that is another error's text is that error's."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    module = ast.Module([node for node in tree.body if isinstance(node, ast.Assign)], [])
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        scopes: list[ast.AST] = [function for function in functions if call in ast.walk(function)]
        for argument in list_reason_arguments(call):
            yield from read_texts(argument, [*scopes[-1:], module])


def list_reason_arguments(call: ast.Call) -> list[ast.expr]:
    match call:
        case ast.Call(func=ast.Name(id="SeedError" | "_block"), args=[reason, *_]):
            return [reason]
        case ast.Call(func=ast.Name(id="_build_condition"), args=[_, reason, *_]):
            return [reason]
        case ast.Call(
            func=ast.Name(id="MethodChoice"), args=[ast.Constant(value=None), ast.Tuple(elts=parts)]
        ):
            return [part for part in parts if not isinstance(part, ast.Constant)]
    return []


def read_texts(node: ast.expr, scopes: list[ast.AST]) -> list[str]:
    """Return the texts that an expression can have. A name has those that are assigned to it."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=values):
            return ["".join(str(part.value) if isinstance(part, ast.Constant) else "..." for part in values)]
        case ast.Name(id=name):
            return [
                text
                for scope in scopes
                for assignment in ast.walk(scope)
                if isinstance(assignment, ast.Assign)
                and any(isinstance(target, ast.Name) and target.id == name for target in assignment.targets)
                for text in read_texts(assignment.value, [])
            ]
    return []


def list_reasons() -> set[str]:
    meanings = {f"CLONE failed: {rule.diagnosis.meaning}" for rule in (*DONOR_RULES, *RECIPIENT_RULES)}
    return {reason for path in FILES for reason in list_code_reasons(path)} | meanings


def test_every_reason_is_on_the_page() -> None:
    assert sorted(list_reasons() - read_page_reasons()) == []


def test_the_page_has_no_other_reasons() -> None:
    assert sorted(read_page_reasons() - list_reasons()) == []
