"""The code of a failure by Heat's words: the same as NATIVES has for the same fault."""

from __future__ import annotations

import pytest

from guestagent.resources.orchestrator.stack_failures import classify_stack_failure


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("Error validating value 'm9': The Flavor (m9) could not be found.", "not_found"),
        ("Error validating value 'windows': The Image (windows) could not be found.", "not_found"),
        ("Error validating value 'mine': The Key (mine) could not be found.", "not_found"),
        ("Error validating value 'fast': The VolumeType (fast) could not be found.", "not_found"),
        ("NotFound: resources.data: Volume type with name fast could not be found. (HTTP 404)", "not_found"),
        (
            "Error validating value 'dmz': Unable to find network with name or id 'dmz'",
            "not_found",
        ),
        ("BadRequest: resources.a: The requested availability zone is not available", "not_found"),
        ("BadRequest: resources.a: Availability zone 'moon' is invalid. (HTTP 400)", "not_found"),
        ("Multiple network matches found for name 'dmz', use an ID to be more specific.", "invalid"),
        ("The Stack (shop) could not be found.", "refused"),
        ("The Resource Type (OS::No::Such) could not be found.", "refused"),
        (
            'ResourceInError: resources.a: Went to status ERROR due to "No valid host was found"',
            "no_capacity",
        ),
        ("Forbidden: resources.a: Quota exceeded for instances: Requested 1", "quota"),
        ("something else", "refused"),
    ],
)
def test_a_failure_has_the_code_of_its_kind(reason: str, code: str) -> None:
    assert str(classify_stack_failure(reason)) == code
