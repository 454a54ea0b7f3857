"""The pages for people: the README's example is a program, links lead somewhere, and tables leave nothing out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from guestagent.agent.settings import OPTIONS
from guestagent.cli.command_line import EXIT_CODES
from guestagent.controller.cluster_file import KNOWN_KEYS, parse_cluster_file
from guestagent.database.detect import FAMILIES
from guestagent.metadata.variable_allowlist import KNOWN_VARIABLES as VARIABLES
from guestagent.resources.operation import RefusalCode
from guestagent.resources.oslo_options import write_sample
from tests.unit.golden.error_answers import ERRORS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
EXAMPLE = re.compile(r"^<!-- example -->\n```python\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.M)


@pytest.mark.parametrize("example", EXAMPLE.findall((ROOT / "README.md").read_text()))
def test_the_example_prints_the_documented_output(example: str) -> None:
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102  # it asserts its own claims


def test_there_is_an_example() -> None:
    assert EXAMPLE.search((ROOT / "README.md").read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    dead = [
        f"{link}#{place}" for link, place in LINK.findall(page.read_text()) if not leads(page, link, place)
    ]

    assert dead == []


def leads(page: Path, link: str, place: str) -> bool:
    target = page.parent / link if link else page
    return target.exists() and (not place or place in places(target.read_text()))


def places(text: str) -> set[str]:
    """The headings as links spell them."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


@pytest.mark.parametrize("page", PAGES[2:], ids=lambda page: str(page.relative_to(ROOT)))
def test_the_index_lists_every_page(page: Path) -> None:
    listed = {(ROOT / "docs" / link).resolve() for link, _ in LINK.findall(text_of("docs/index.md"))}

    assert page in listed or page.name == "index.md" or page.parent == ROOT


def test_every_error_has_its_row_with_its_exit_code() -> None:
    page = text_of("docs/reference/errors.md")
    kinds = {type(error).__name__: error.exit_code for error in ERRORS.values()}

    assert [name for name, code in kinds.items() if f"| {code} | `{name}` |" not in page] == []


def test_every_exit_code_of_the_help_has_its_row() -> None:
    page = text_of("docs/reference/errors.md")
    codes = re.findall(r"^ *(\d+)  ", EXIT_CODES, re.M)

    assert len(codes) == 18
    assert [code for code in codes if f"| {code} |" not in page] == []


def test_every_code_of_the_resource_manager_has_its_row() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| ", text_of("docs/reference/errors.md"), re.M)

    assert sorted(rows) == sorted([*map(str, RefusalCode), "cancelled"])


def test_every_setting_of_the_agent_has_its_row() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| `(\w+)` \| .+ \| (.+) \|$", text_of("docs/reference/settings.md"), re.M
    )

    assert [row[:2] for row in rows] == [
        (section, option.name) for section, options in OPTIONS.items() for option in options
    ]
    defaults = [str(option.default) for options in OPTIONS.values() for option in options]
    assert [row[2].strip("`") for row, default in zip(rows, defaults, strict=True) if default != "None"] == [
        default for default in defaults if default != "None"
    ]


def test_the_page_of_the_resource_managers_settings_has_the_sample() -> None:
    assert write_sample().strip() in text_of("docs/reference/resources-settings.md")


def test_every_family_has_its_row_with_its_oldest_version() -> None:
    rows = re.findall(r"^\| (\w+) \| ([\d.]+) \|", text_of("docs/reference/servers.md"), re.M)

    assert rows == [(family.name, ".".join(map(str, family.min_version))) for family in FAMILIES.values()]


def test_every_key_of_a_cluster_yaml_has_its_row() -> None:
    rows = re.findall(r"^\| (`.+?`(?:, `.+?`)*) \|", text_of("docs/reference/cluster-yaml.md"), re.M)

    assert {key.strip("`") for row in rows for key in row.split(", ")} == KNOWN_KEYS


def test_every_variable_that_a_document_may_set_has_its_row() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (.+) \| (\w*) \| (\w*) \|$", text_of("docs/reference/variables.md"), re.M
    )

    assert [row for row in rows if row[2] or row[3]] == [
        (name, known.type.expected, str(known.mariadb or ""), str(known.mysql or ""))
        for name, known in VARIABLES.items()
    ]


def test_every_package_that_make_installs_is_named_where_one_uninstalls() -> None:
    packages = re.findall(r"^([\w-]+) \[", text_of("bindep.txt"), re.M)

    page = text_of("docs/how-to/uninstall.md")

    assert [package for package in packages if not re.search(rf"[ ,]{package}\b", page)] == []


@pytest.mark.parametrize(
    "example",
    re.findall(
        r"```yaml\n(.*?)```", (ROOT / "docs/reference/cluster-yaml.md").read_text(encoding="utf-8"), re.S
    ),
)
def test_every_example_of_a_cluster_yaml_is_one(example: str) -> None:
    assert len(parse_cluster_file(example).cluster.replicas) == 2


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")
