"""The Merkle tree of RFC 9162 (Certificate Transparency 2.0), sections 2.1.1 to 2.1.4: pure, over SHA-256.

    MTH({})     = SHA-256()                              the empty tree
    MTH({d0})   = SHA-256(0x00 || d0)                    a leaf
    MTH(D[n])   = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n])),   k the largest power of two smaller than n

A root shows which entries a tree holds and in which order. An inclusion path proves to whoever knows the root that one
entry is among them, a consistency path that an older tree is the beginning of a newer one.

Indexes are 0-based, as in the RFC. "Subtree (level, index)" is the complete one over the 2**level entries that begin
at entry index * 2**level; only complete subtrees ever have to be kept, since no later entry changes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

EMPTY_ROOT = hashlib.sha256().digest()

HashOf = Callable[[int, int], bytes]
"""Hash of the complete subtree (level, index)."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one entry as a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Subtree:
    """A complete subtree and its hash."""

    level: int
    index: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that is needed of a tree to add to it: the hashes of its maximal complete subtrees, largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if len(self.peaks) != self.size.bit_count():
            raise ValueError(f"a tree of {self.size} entries has {self.size.bit_count()} peaks")

    def add(self, leaf: bytes) -> tuple[Frontier, list[Subtree]]:
        """The tree with one more leaf (its hash), and the subtrees that it completes, smallest first."""
        peaks, rest, level = list(self.peaks), self.size, 0
        carried = leaf
        completed = [Subtree(0, self.size, leaf)]
        while rest & 1:
            carried = node_hash(peaks.pop(), carried)
            rest, level = rest >> 1, level + 1
            completed.append(Subtree(level, rest, carried))
        return Frontier(self.size + 1, (*peaks, carried)), completed

    def root(self) -> bytes:
        """Hash of the whole tree."""
        if not self.peaks:
            return EMPTY_ROOT
        *left, root = self.peaks
        for peak in reversed(left):
            root = node_hash(peak, root)
        return root


def root_of(size: int, hash_of: HashOf) -> bytes:
    """Hash of the tree of the first `size` entries."""
    return _range_hash(0, size, hash_of) if size else EMPTY_ROOT


def inclusion_path(index: int, size: int, hash_of: HashOf) -> list[bytes]:
    """PATH(index, D[size]) of section 2.1.3.1. Raises ValueError when the tree does not hold the entry."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} entries holds no entry {index}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_hash(middle, end, hash_of))
            end = middle
        else:
            path.append(_range_hash(start, middle, hash_of))
            start = middle
    return path[::-1]


def consistency_path(old: int, new: int, hash_of: HashOf) -> list[bytes]:
    """PROOF(old, D[new]) of section 2.1.4.1. Raises ValueError unless 0 < old <= new."""
    if not 0 < old <= new:
        raise ValueError(f"no tree of {new} entries grew from one of {old}")
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_hash(middle, end, hash_of))
            end = middle
        else:
            path.append(_range_hash(start, middle, hash_of))
            start, whole = middle, False
    if not whole:
        path.append(_range_hash(start, end, hash_of))
    return path[::-1]


def includes(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path proves that the leaf is entry `index` of the tree with this root (section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    first, last, computed = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if first & 1 or first == last:
            computed = node_hash(step, computed)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            computed = node_hash(computed, step)
        first, last = first >> 1, last >> 1
    return last == 0 and computed == root


def grew_from(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path proves that the newer tree begins with the older one (section 2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    steps = list(path) if old & (old - 1) else [old_root, *path]
    if not steps:
        return False
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    of_old = of_new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            of_old, of_new = node_hash(step, of_old), node_hash(step, of_new)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            of_new = node_hash(of_new, step)
        first, last = first >> 1, last >> 1
    return last == 0 and of_old == old_root and of_new == new_root


def _split(count: int) -> int:
    """The largest power of two smaller than `count`, which is at least two."""
    return 1 << ((count - 1).bit_length() - 1)


def _range_hash(start: int, end: int, hash_of: HashOf) -> bytes:
    """MTH(D[start:end]); `start` is a multiple of the largest power of two in the range."""
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return hash_of(level, start >> level)
    middle = start + _split(count)
    return node_hash(_range_hash(start, middle, hash_of), _range_hash(middle, end, hash_of))
