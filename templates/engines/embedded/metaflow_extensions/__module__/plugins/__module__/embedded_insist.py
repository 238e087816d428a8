"""What has to be done, on a disk that may be full and with a database that may be away."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable

from .embedded_database import StoreDamaged
from .embedded_folder import RunFolder
from .walk import Finished

#: Seconds before the second try, and at most before any later one.
PAUSES = (0.5, 10.0)

#: What the system says when a disk, or the user's share of it, is full.
_FULL = (errno.ENOSPC, errno.EDQUOT)


async def attempt_with_room(
    make: Callable[..., Awaitable[Finished]], folder: RunFolder, repeated: bool
) -> Finished:
    """Make an attempt, again under its own number when there was no room on the disk for it.

    Args:
        make: makes it; told whether the same attempt may have run before.
        folder: the folder of the run, which says meanwhile what is the matter.
        repeated: whether it may have run before already.

    Raises:
        OSError: it cannot be made, for another reason.
    """
    pause, longest = PAUSES
    tried = False
    while True:
        try:
            answer = await make(repeated or tried)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            folder.note(f"{error}; make room on that disk, and the run goes on by itself")
        else:
            if tried:
                folder.note("")
            return answer
        tried = True
        await asyncio.sleep(pause)
        pause = min(2 * pause, longest)


async def insist(write: Callable[..., object], folder: RunFolder) -> None:
    """Write to the store, however long it takes until it can be written (clause L6).

    What the tasks of the run have done is kept meanwhile, and the folder of the run says what is
    the matter.

    Args:
        write: writes, all of it or nothing.
        folder: the folder of the run.

    Raises:
        StoreDamaged: it will never be possible.
        LeaseLost: somebody else writes about the run now.
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
