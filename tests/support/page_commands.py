"""The commands, files and programs that a page of the documentation shows, and their output as the page shows it.

- A `console` block holds `$ command` lines, each followed by its output. `> ` continues a command, and `...` in an
  output stands for anything.
- `<!-- shortened -->` before such a block: the output is an excerpt. Its lines must occur in this order, each as a part
  of a printed line, with other numbers perhaps.
- `<!-- file: NAME -->` before any block: the reader saves the block under this name.
- `<!-- not run: why -->` before a block: tests leave it out.

Markdown shows none of these comments to a reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

BLOCK = re.compile(
    r"(?P<notes>(?:^<!--[^\n]*-->\n)*)^```(?P<language>\w*)\n(?P<content>.*?)^```$", re.MULTILINE | re.DOTALL
)
NOT_RUN = re.compile(r"^<!-- not run: \S.* -->$", re.MULTILINE)
FILE = re.compile(r"^<!-- file: (\S+) -->$", re.MULTILINE)
SHORTENED = re.compile(r"^<!-- shortened -->$", re.MULTILINE)
COMMAND = re.compile(r"^\$ ", re.MULTILINE)
NUMBER_OR_SPACE = re.compile(r"(\d+|[ \t]+)")
COMMAND_SEPARATOR = "--- command {} ---"
END_OF_FILE = "END_OF_THE_FILE_ON_THE_PAGE"


@dataclass(frozen=True, slots=True)
class ShownCommand:
    """A command of a page, and the output that the page shows."""

    command: str
    output: str
    is_shortened: bool = False

    def matches(self, printed: str) -> bool:
        """Return whether a command that has printed this printed the documented output."""
        if self.is_shortened:
            pattern = ".*".join(map(_build_line_pattern, self.output.splitlines()))
        else:
            pattern = ".*".join(re.escape(part) for part in self.output.split("..."))
        return re.search(pattern, printed, re.DOTALL) is not None


def read_commands(page: str) -> Iterator[ShownCommand]:
    """Read the commands that a reader types, in their order. To save a file is a command too."""
    for block in BLOCK.finditer(page):
        notes = block["notes"]
        if NOT_RUN.search(notes):
            continue
        file = FILE.search(notes)
        if file is not None:
            yield ShownCommand(f"cat >{file[1]} <<'{END_OF_FILE}'\n{block['content']}{END_OF_FILE}", "")
        elif block["language"] == "console":
            yield from _read_console(block["content"], SHORTENED.search(notes) is not None)


def read_commands_left_to(page: str, test: str, heading: str = "") -> list[ShownCommand]:
    """Read the commands that the note `not run: ...` leaves to another test, which it names.

    With a heading they are those below it and above the next one.
    """
    section = page
    if heading:
        _, _, below = page.partition(f"\n{heading}\n")
        section = re.split(r"^#+ ", below, maxsplit=1, flags=re.MULTILINE)[0]
    return [
        command
        for block in BLOCK.finditer(section)
        if NOT_RUN.search(block["notes"]) is not None and test in block["notes"]
        for command in _read_console(block["content"], SHORTENED.search(block["notes"]) is not None)
    ]


def build_script(commands: Sequence[ShownCommand]) -> str:
    """Return a shell script of the commands, whose output shows where the output of each begins."""
    return "".join(
        f"echo '{COMMAND_SEPARATOR.format(number)}'\n{command.command}\n"
        for number, command in enumerate(commands)
    )


def find_mismatches(commands: Sequence[ShownCommand], output: str) -> list[ShownCommand]:
    """Return the commands that printed something else than the page shows. `output` is that of their script."""
    outputs = re.split(COMMAND_SEPARATOR.format(r"\d+") + "\n", output)[1:]
    return [
        command for command, printed in zip(commands, outputs, strict=True) if not command.matches(printed)
    ]


def read_files(page: str) -> dict[str, str]:
    """Read the files that a reader saves, by name."""
    found = ((FILE.search(block["notes"]), block["content"]) for block in BLOCK.finditer(page))
    return {name[1]: content for name, content in found if name is not None}


def read_program(page: str) -> str:
    """Read the `python` blocks of a page as one program."""
    return "\n".join(
        block["content"]
        for block in BLOCK.finditer(page)
        if block["language"] == "python"
        and not NOT_RUN.search(block["notes"])
        and not FILE.search(block["notes"])
    )


def _read_console(content: str, is_shortened: bool) -> Iterator[ShownCommand]:
    for part in COMMAND.split(content)[1:]:
        first, *rest = part.splitlines()
        more = list(takewhile(lambda line: line.startswith("> "), rest))
        command = "\n".join([first, *(line.removeprefix("> ") for line in more)])
        yield ShownCommand(command, "\n".join(rest[len(more) :]), is_shortened)


def _build_line_pattern(line: str) -> str:
    parts = NUMBER_OR_SPACE.split(line.strip())
    return "".join(
        r"\d+" if part.isdigit() else r"[ \t]+" if part.isspace() else re.escape(part) for part in parts
    )
