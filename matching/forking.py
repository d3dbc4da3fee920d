"""Work shared by several processes, each a copy of this one as it stands: what it has read need not be sent to it."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.pool import Pool


def processors() -> int:
    """Return how many processes may share work: one where the system cannot fork."""
    return (os.cpu_count() or 1) if "fork" in multiprocessing.get_all_start_methods() else 1


@contextmanager
def copies(count: int, act: Callable[[Any], Any], begin: Callable[[], object] = lambda: None) -> "Iterator[Pool]":
    """Start copies of this process that are called by ``pool.imap(forking.call, …)``; each calls ``begin`` first.

    ``act`` may be any function, a closure, too; what it is called with and what it returns is sent between processes.
    """
    with multiprocessing.get_context("fork").Pool(count, _begin, (act, begin)) as pool:
        yield pool


_act: Callable[[Any], Any]


def _begin(act: Callable[[Any], Any], begin: Callable[[], object]) -> None:
    global _act
    _act = act
    begin()


def call(argument: Any = None) -> Any:
    """Do what this copy was started for."""
    return _act(argument)
