"""Writes that have to be made, on a disk that may be full and a file that may be locked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .embedded_folder import RunFolder
from .embedded_store import StoreDamaged

#: Seconds before the second try, and at most before any later one.
PAUSES = (0.5, 10.0)


async def insist(write: Callable[..., object], folder: RunFolder) -> None:
    """Write to the store, however long it takes until it can be written (clause L6).

    What the tasks of the run have done is kept meanwhile, and the folder of the run says what is
    the matter.

    Args:
        write: writes, all of it or nothing.
        folder: the folder of the run.

    Raises:
        StoreDamaged: it will never be possible.
    """
    pause, longest = PAUSES
    tried = False
    while True:
        try:
            write()
        except StoreDamaged:
            raise
        except OSError as error:
            tried = True
            folder.note(str(error))
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)
        else:
            if tried:
                folder.note("")
            return
