"""Waiting with a deadline: the only way a test of this rig waits."""

import time


def wait_until(condition, what, timeout=30, interval=0.05):
    """The first true value of `condition()`; fails, saying `what` was awaited, after `timeout` seconds.

    `what` may be a function, so that it can tell what was last seen.
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout} s, still no {what() if callable(what) else what}")
        time.sleep(interval)
