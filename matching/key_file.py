"""Which records stand under which key, in one sorted file: looked up by halving, read through the operating system's cache.

Built in sixteen parts by the keys' first bits, each sorted by itself, so that building takes little memory, too.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.integer[Any]]

_ENTRY = np.dtype([("key", np.int64), ("number", np.int64)])
_PARTS = range(-8, 8)  # what the first four bits of a signed number can be
_SHIFT = 60


class KeyFile:
    """Entries of (key, number): first `add` them all, then `finish`, then ask."""

    def __init__(self, folder: Path, name: str) -> None:
        self._paths = folder / f"{name}.keys", folder / f"{name}.numbers"
        self._parts = {part: (folder / f"{name}{part}.part").open("w+b") for part in _PARTS}
        self._keys: Any = np.empty(0, dtype=np.int64)
        self._numbers: Any = self._keys

    def add(self, first: int, lengths: list[int], keys: Iterable[int]) -> None:
        """Add the keys of records numbered from ``first``; ``lengths`` tells how many keys each of them has."""
        table = np.empty(sum(lengths), dtype=_ENTRY)
        table["key"] = np.fromiter(keys, dtype=np.int64, count=len(table))
        table["number"] = np.repeat(np.arange(first, first + len(lengths)), lengths)
        bits = table["key"] >> _SHIFT
        for part, file in self._parts.items():
            table[bits == part].tofile(file)

    def finish(self) -> None:
        """Sort the parts one by one into the file of keys and the file of numbers."""
        with self._paths[0].open("wb") as keys, self._paths[1].open("wb") as numbers:
            for file in self._parts.values():
                file.seek(0)
                part = np.fromfile(file, dtype=_ENTRY)
                order = np.argsort(part["key"], kind="stable")
                part["key"][order].tofile(keys)
                part["number"][order].tofile(numbers)
                file.close()
                Path(file.name).unlink()
        self.open()

    def open(self) -> None:
        """Read on from the finished files."""
        if (
            self._paths[0].stat().st_size
        ):  # as plain arrays, because a slice of a mapped one costs several times as much
            self._keys, self._numbers = (np.asarray(np.memmap(p, dtype=np.int64, mode="r")) for p in self._paths)

    def find(self, keys: "Integers") -> tuple["Integers", "Integers"]:
        """Return for each key where its entries begin and where they end."""
        order = np.argsort(keys)  # neighbours are read together
        starts, ends = np.empty_like(keys), np.empty_like(keys)
        starts[order] = np.searchsorted(self._keys, keys[order], "left")
        ends[order] = np.searchsorted(self._keys, keys[order], "right")
        return starts, ends

    def numbers(self, starts: "Integers", ends: "Integers") -> list[int]:
        """Return the numbers of these runs of entries, one run after the other."""
        sizes = ends - starts
        before = np.cumsum(sizes) - sizes
        found: list[int] = self._numbers[np.arange(int(sizes.sum())) + np.repeat(starts - before, sizes)].tolist()
        return found
