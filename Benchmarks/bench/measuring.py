"""How everything here is measured: interleaved, repeated, and reported as a median with its spread."""

import os
import statistics
import tempfile
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """The minimum, the median and the maximum of the measurements."""

    least: float
    median: float
    most: float
    count: int


def spread(values):
    """The only place where many measurements become few numbers."""
    return Spread(min(values), statistics.median(values), max(values), len(values))


def interleave(subjects, repetitions, warm_up=True):
    """Measures each of `subjects` ({name: function that returns a number}) in turn, again and again.

    A machine that gets busier meanwhile slows down all of them. Each round begins with a different one, so that none
    always follows the same other. The first round, which fills the caches, does not count.
    """
    names = list(subjects)
    values = {name: [] for name in names}
    if warm_up:
        for name in names:
            subjects[name]()
    for number in range(repetitions):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            values[name].append(subjects[name]())
    return values


class CommandFailed(Exception):
    """A command to be measured failed."""


def milliseconds_of(arguments, environment, codes=(0,)):
    """How long a command takes from start to end, in ms; it must end with one of these exit codes."""
    with tempfile.TemporaryFile() as messages:
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, messages.fileno(), 2),
        ]
        words = [str(argument) for argument in arguments]
        begun = time.perf_counter()
        pid = os.posix_spawnp(words[0], words, environment, file_actions=actions)
        _, status = os.waitpid(pid, 0)
        taken = time.perf_counter() - begun
        if os.waitstatus_to_exitcode(status) not in codes:
            messages.seek(0)
            text = messages.read().decode(errors="replace")
            raise CommandFailed(f"{' '.join(words)}: exit {os.waitstatus_to_exitcode(status)}\n{text}")
    return taken * 1000
