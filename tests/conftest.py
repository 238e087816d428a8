"""What all tests rest on."""

from __future__ import annotations

import signal
import threading

# A job in the background of a shell ignores Ctrl-C, and so does every process that it starts: also
# the ones that are to show what Ctrl-C does.
if (
    threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):
    signal.signal(signal.SIGINT, signal.default_int_handler)
