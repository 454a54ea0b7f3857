"""For the tests of the stores: the cases of their contract show what was compared, too."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.support.store_contract")
