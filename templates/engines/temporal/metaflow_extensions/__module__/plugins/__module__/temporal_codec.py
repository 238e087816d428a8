"""How what travels through Temporal is packed: large values are compressed.

A plan, or the inputs of a join of thousands, are long and repeat themselves; a Temporal server
takes two megabytes at a time.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace

from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter, PayloadCodec

#: Bytes from which a value is compressed; smaller ones stay readable in Temporal's UI.
_LARGE = 4096

_ENCODING = b"binary/zlib"


class Squeeze(PayloadCodec):
    """Compresses large values."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Compress what is large."""
        return [_squeeze(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Undo :meth:`encode`."""
        return [_unfold(payload) for payload in payloads]


def converter() -> DataConverter:
    """How clients and workers of this extension read and write values."""
    return replace(DataConverter.default, payload_codec=Squeeze())


def _squeeze(payload: Payload) -> Payload:
    if payload.ByteSize() < _LARGE:
        return payload
    data = zlib.compress(payload.SerializeToString(deterministic=True))
    return Payload(metadata={"encoding": _ENCODING}, data=data)


def _unfold(payload: Payload) -> Payload:
    if payload.metadata.get("encoding") != _ENCODING:
        return payload
    return Payload.FromString(zlib.decompress(payload.data))
