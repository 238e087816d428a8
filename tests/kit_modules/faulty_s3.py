"""A proxy in front of an object store, which answers with errors for as long as it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from urllib.parse import urlsplit

_ERROR = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class FaultyS3:
    """Passes bytes on between clients and a store, from a thread of its own.

    Args:
        address: where it listens.
        store: address of the store, as `http://host:port`.
    """

    def __init__(self, address: str, store: str) -> None:
        self._address = address
        self._store = urlsplit(store)
        self._ready = threading.Event()
        self._port = 0
        self.broken = False
        self.errors = 0
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        assert self._ready.wait(60), "the proxy does not listen"

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://{self._address}:{self._port}"

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accept, self._address, 0)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await server.serve_forever()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            store = await asyncio.open_connection(self._store.hostname, self._store.port)
            ends = (self._requests(reader, store[1], writer), self._pass(store[0], writer))
            await asyncio.gather(*ends)
        writer.close()

    async def _requests(
        self,
        reader: asyncio.StreamReader,
        store: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
    ) -> None:
        """What a client says goes to the store, unless that is broken."""
        with contextlib.suppress(OSError):
            while content := await reader.read(65536):
                if self.broken:
                    self.errors += 1
                    client.write(_ERROR)
                    client.close()
                    break
                store.write(content)
                await store.drain()
        store.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while content := await reader.read(65536):
                writer.write(content)
                await writer.drain()
        writer.close()
