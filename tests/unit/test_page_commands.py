"""The commands, files and programs that the tests of the documentation read from a page."""

from __future__ import annotations

from tests.support.page_commands import (
    ShownCommand,
    read_commands,
    read_commands_left_to,
    read_files,
    read_program,
)


def test_a_block_is_left_out_only_with_a_reason() -> None:
    page = """\
```console
$ a
```
<!-- not run: it never ends -->
```console
$ b
```
<!-- not run: -->
```console
$ c
```
"""

    assert [shown.command for shown in read_commands(page)] == ["a", "c"]


def test_a_block_may_be_left_to_another_test() -> None:
    note = "<!-- not run: needs a node; tests/a.py runs it in one -->\n"
    page = (
        f"# A page\n\n{note}```console\n$ above\n```\n\n## Repair\n\n{note}```console\n$ a\nb\n```\n"
        f"```console\n$ local\n```\n<!-- not run: slow -->\n```console\n$ c\n```\n\n## Next\n\n"
        f"{note}```console\n$ below\n```\n"
    )

    assert read_commands_left_to(page, "tests/a.py", "## Repair") == [ShownCommand("a", "b")]


def test_a_command_may_go_on_over_lines() -> None:
    page = "```console\n$ cat <<END\n>   deep\n> END\n  deep\n```\n"

    assert list(read_commands(page)) == [ShownCommand("cat <<END\n  deep\nEND", "  deep")]


def test_dots_stand_for_anything_in_an_output() -> None:
    shown = ShownCommand("make", "ready in ... s\n...\ndone")

    assert shown.matches("set-up\nready in 3 s\nall\nis\ndone\n")
    assert not shown.matches("ready in 3 s\n")


def test_a_shortened_output_shows_some_lines_with_other_numbers() -> None:
    page = "<!-- shortened -->\n```console\n$ make\nready in 3.5 s\nnode  state\n```\n"

    [shown] = read_commands(page)

    assert shown.matches("  set-up\n  ready in 12.0 s, at last\nmore\nnode          state\n")
    assert not shown.matches("node state\nready in 12.0 s\n")
    assert not shown.matches("ready in no s\nnode state\n")


def test_a_file_of_a_page_is_saved_before_the_next_command() -> None:
    page = "<!-- file: a.yaml -->\n```yaml\nkey: $value\n```\n```console\n$ cat a.yaml\n```\n"

    saved, shown = read_commands(page)

    assert saved.command.splitlines()[:2] == ["cat >a.yaml <<'END_OF_THE_FILE_ON_THE_PAGE'", "key: $value"]
    assert shown == ShownCommand("cat a.yaml", "")
    assert read_files(page) == {"a.yaml": "key: $value\n"}


def test_the_python_blocks_of_a_page_are_one_program_without_its_files() -> None:
    page = (
        "```python\na = 1\n```\n<!-- not run: needs a cloud -->\n```python\nb\n```\n"
        "<!-- file: c.py -->\n```python\nc\n```\n```python\nd = 2\n```\n"
    )

    assert read_program(page) == "a = 1\n\nd = 2\n"
