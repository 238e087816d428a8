"""What is kept and passed around has no secrets in it."""

from __future__ import annotations

import pytest

from metaflow_orchestrator_kit.compliance.masking import (
    masked,
    masked_command,
    masked_variables,
)


def test_values_are_masked_by_the_names_of_secrets():
    given = {"access_key": "a", "DB_PASSWORD": "b", "queue": "c"}
    assert masked(given) == {"access_key": "***", "DB_PASSWORD": "***", "queue": "c"}


def test_the_password_in_an_address_is_masked_and_the_rest_stays():
    shown = masked_variables({"DATABASE": "postgresql://me:hush@db:5432/x", "HOME": "/home/me"})
    assert shown == {"DATABASE": "postgresql://me:***@db:5432/x", "HOME": "/home/me"}


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--api-token", "hush", "create"], ["--api-token", "***", "create"]),
        (["--api-token=hush", "create"], ["--api-token=***", "create"]),
        (["--generate-new-token", "--tag", "a"], ["--generate-new-token", "--tag", "a"]),
        (["--queue", "token"], ["--queue", "token"]),
        (["--url=http://me:hush@host/"], ["--url=http://me:***@host/"]),
    ],
)
def test_the_values_of_secret_options_are_masked(words: list[str], shown: list[str]):
    assert masked_command(words) == shown
