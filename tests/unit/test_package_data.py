from __future__ import annotations

import pytest

from guestagent.errors import StorageError
from guestagent.package_data import find_package_data


def test_elements_and_units_are_found_in_a_checkout() -> None:
    assert (find_package_data("elements") / "guestagent-mariadb" / "element-deps").is_file()
    assert (find_package_data("systemd") / "guestagent.service").is_file()


def test_missing_data_is_reported_with_its_expected_place() -> None:
    with pytest.raises(StorageError, match=r"wheels is missing beside .*guestagent"):
        find_package_data("wheels")
