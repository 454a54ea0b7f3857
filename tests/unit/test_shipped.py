from __future__ import annotations

import pytest

from guestagent.errors import StorageError
from guestagent.shipped import shipped


def test_elements_and_units_are_found_in_a_checkout() -> None:
    assert (shipped("elements") / "guestagent-mariadb" / "element-deps").is_file()
    assert (shipped("systemd") / "guestagent.service").is_file()


def test_what_is_missing_is_told_with_where_it_should_be() -> None:
    with pytest.raises(StorageError, match=r"wheels is missing beside .*guestagent"):
        shipped("wheels")
