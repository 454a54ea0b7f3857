"""The user data of the present instance, which show by content what on the disk is this instance's own. Pure.

Times of files cannot show it: the clocks of two instances may differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

CREDENTIAL_SECTION_PATTERN = re.compile(r"^\[(cfn|heat|request|zaqar|keystone)\]", re.MULTILINE)
SEPARATOR_PATTERN = re.compile(r"[=:]")


@dataclass(frozen=True, slots=True)
class InstanceUserData:
    """The parts of user data as they are written to files, and each text as a whole: a bare script has no parts."""

    parts: tuple[bytes, ...] = ()

    @classmethod
    def from_texts(cls, texts: Iterable[bytes]) -> InstanceUserData:
        """Parse texts of MIME, or bare scripts. This never fails: any bytes are a text without parts."""
        return cls(tuple(part for text in texts for part in (text, *_list_payloads(text))))

    def has_file(self, content: bytes) -> bool:
        """Whether a file is a copy of a part. White space does not count: a part handler may convert line ends."""
        words = content.split()
        return any(words == part.split() for part in self.parts)

    def has_credentials_of(self, config: bytes) -> bool:
        """Whether every credential in a configuration of os-collect-config comes from these user data."""
        texts = [part.decode(errors="replace") for part in self.parts]
        values = list(_list_credentials(config.decode(errors="replace")))
        patterns = [re.compile(rf"(?<![\w.-]){re.escape(value)}(?![\w.-])") for value in values]
        return bool(values) and all(any(map(pattern.search, texts)) for pattern in patterns)


def has_credentials(config: bytes) -> bool:
    """Whether a configuration of os-collect-config has a section with credentials."""
    return CREDENTIAL_SECTION_PATTERN.search(config.decode(errors="replace")) is not None


def _list_payloads(text: bytes) -> Iterator[bytes]:
    # Imported here: `poke` needs the instance id alone, and must return soon.
    from email.parser import BytesParser

    for part in BytesParser().parsebytes(text).walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            yield payload


def _list_credentials(config: str) -> Iterator[str]:
    """Yield the values, and the further lines of values, in the sections with credentials."""
    is_credential_section = False
    for line in config.splitlines():
        if line.startswith("["):
            is_credential_section = CREDENTIAL_SECTION_PATTERN.match(line) is not None
        elif is_credential_section and line.strip() and not line.startswith(("#", ";")):
            value = line if line[0].isspace() else SEPARATOR_PATTERN.split(line, 1)[-1]
            if value.strip():
                yield value.strip()
