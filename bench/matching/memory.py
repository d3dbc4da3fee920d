"""The memory of a command with all the processes it starts, pages that they share counted once. Linux tells; elsewhere 0."""

import resource
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

KB = 1024
EVERY = 0.1  # seconds


def peak_of(process: "subprocess.Popen[str]") -> float:
    """Wait for a process to end; return the most MB that it and its children took at one time."""
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, sum(_mb(pid) for pid in _family(process.pid)))
        time.sleep(EVERY)
    return peak


def own_peak() -> float:
    """Return the most MB that this process has taken. What it was started by counts in ``getrusage``, so Linux is asked first."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KB
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / KB


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:  # ended meanwhile
            continue
        for child in children:
            yield from _family(int(child))


def _mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / KB
