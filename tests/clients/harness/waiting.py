"""Waiting for something to become true: never for a fixed time, and never without an end."""

import time

INTERVAL_SECONDS = 0.05


def eventually(what, probe, seconds, alive=None):
    """Calls `probe` until it returns something true, and returns that.

    `probe` may return a string that begins with "not yet" to say what it saw; it is told if time runs out. `alive`, if
    given, is called before each try, and ends the waiting by raising.
    """
    deadline = time.monotonic() + seconds
    while True:
        if alive is not None:
            alive()
        seen = probe()
        if seen and not (isinstance(seen, str) and seen.startswith("not yet")):
            return seen
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {seconds} s for {what}; last seen: {seen!r}")
        time.sleep(INTERVAL_SECONDS)
