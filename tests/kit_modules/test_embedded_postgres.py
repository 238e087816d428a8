"""What the embedded engine says when its database cannot be used; no server is needed for that."""

from __future__ import annotations

import socket

import pytest

pytest.importorskip("psycopg", reason="there is no psycopg: pip install 'psycopg[binary]'")

from in_place.embedded_database import StoreDamaged, StoreError
from in_place.embedded_postgres import Postgres

SETTING = "METAFLOW_TEST_DATABASE"


def test_a_server_that_does_not_answer_is_named_with_the_setting_and_without_the_password() -> None:
    with socket.socket() as taken:  # Nobody listens there, and nobody else can.
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(StoreError) as caught:
            Postgres(f"postgresql://ada:s3cret@127.0.0.1:{port}/flows", "s", SETTING)

    said = str(caught.value)
    assert not isinstance(caught.value, StoreDamaged)
    assert f"the database of {SETTING} on 127.0.0.1, port {port}" in said
    assert "s3cret" not in said


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ada:s3cret/x@host/flows",
        "postgresql://ada:1234/s3cret@host/flows",
        "postgresql://ada:s3cret@host:port/flows",
        "postgresql://ada:s3cret@@host/flows",
    ],
)
def test_what_is_no_address_is_named_by_its_setting_alone(address: str) -> None:
    with pytest.raises(StoreDamaged) as caught:
        Postgres(address, "s", SETTING)

    assert f"{SETTING}: it is no address like postgresql://user:password@host" in str(caught.value)
    assert "s3cret" not in str(caught.value)
