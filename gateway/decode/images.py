"""Images: what is written into them besides pixels, and what the pixels say where text recognition is installed.

Pillow reads the containers. What stands behind the end of an image, or is said in metadata, is read as texts; pixels
are read by Tesseract if that is installed, and count as unread otherwise, unless the image is blank.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from typing import Any

from PIL import Image

from gateway.decode.foreign import Foreign, foreign
from gateway.decode.media import MediaType
from gateway.decode.reading import Place, UnreadableError
from gateway.decode.tree import Node

Image.MAX_IMAGE_PIXELS = None  # Our own limit is asked before any pixel is decoded.
_XMP = re.compile(rb"<x:xmpmeta.*?</x:xmpmeta>", re.DOTALL)
_GPS = 0x8825
_SUB_IFDS = (0x8769, 0xA005)
_BLANK_SPREAD = 8
"""Levels of grey between the darkest and the brightest pixel of an image in which nothing can be seen."""
_OCR_TIME_LIMIT_S = 20


def read_image(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Read an image of any format that Pillow knows: metadata, what follows the image, and its pixels."""
    content = node.content
    found = Foreign(node, place, "image")
    with foreign(), Image.open(io.BytesIO(content)) as picture:
        width, height = picture.size
        if width * height * getattr(picture, "n_frames", 1) > place.reading.limits.max_pixels:
            raise UnreadableError("too-large")
        picture.load()
        _read_metadata(picture, found)
        for data, name in _outside(content, picture.format or ""):
            found.strings(data, f"/{name}")
        for match in _XMP.finditer(content):
            found.content(match[0], "/xmp", "application/xml")
        if rest := _behind(content, picture.format or ""):
            found.content(rest, "@behind")
        for frame in range(getattr(picture, "n_frames", 1)):
            picture.seek(frame)
            with found.place.unread_on_error():
                for text in read_pixels(picture, found.place):
                    found.text(text, f"/text/{frame}")


def read_pixels(picture: Image.Image, place: Place) -> Iterator[str]:
    """The text that can be seen in a picture. Raises UnreadableError where nobody looks."""
    grey = picture.convert("L")
    low, high = grey.getextrema()
    if isinstance(low, int | float) and isinstance(high, int | float) and high - low <= _BLANK_SPREAD:
        return
    program = _recognizer()
    if program is None:
        raise UnreadableError("pixels")
    out = io.BytesIO()
    grey.save(out, "PNG")
    try:
        said = subprocess.run(
            [program, "stdin", "stdout"],
            input=out.getvalue(),
            capture_output=True,
            check=True,
            timeout=_OCR_TIME_LIMIT_S,
            env={"OMP_THREAD_LIMIT": "1", "PATH": "/usr/bin:/bin"},
        )
    except (OSError, subprocess.SubprocessError):
        raise UnreadableError("pixels") from None
    text = said.stdout.decode("utf-8", "replace")
    place.charge(len(text))
    yield text


@cache
def _recognizer() -> str | None:
    return shutil.which("tesseract")


def _read_metadata(picture: Image.Image, found: Foreign) -> None:
    for key, value in picture.info.items():
        if isinstance(value, str):
            found.text(value, f"/{key}", str(key))
        elif isinstance(value, bytes) and key not in ("icc_profile", "exif", "xmp", "photoshop"):
            found.strings(value, f"/{key}")
    exif = picture.getexif()
    _read_tags(dict(exif), found, "exif")
    for sub in _SUB_IFDS:
        _read_tags(exif.get_ifd(sub), found, "exif")
    _read_position(exif.get_ifd(_GPS), found)


def _read_tags(tags: dict[int, object], found: Foreign, name: str) -> None:
    for tag, value in tags.items():
        address = f"/{name}/{tag}"
        if isinstance(value, str):
            found.text(value.strip("\0"), address)
        elif isinstance(value, bytes):
            found.strings(value, address)
            if value[:8] in (b"ASCII\0\0\0", b"UNICODE\0"):
                charset = "utf-8" if value.startswith(b"ASCII") else "utf-16"
                found.text(value[8:].decode(charset, "replace").strip("\0"), address)
        elif (
            isinstance(value, tuple)
            and value
            and all(isinstance(one, int) and 0 <= one < 256 for one in value)
        ):
            found.strings(bytes(value), address)


def _read_position(tags: dict[int, Any], found: Foreign) -> None:
    """Where the picture was taken, as a person would write it."""

    def degrees(tag: int) -> float | None:
        match tags.get(tag):
            case (first, second, third):
                return float(first) + float(second) / 60 + float(third) / 3600
        return None

    north, east = degrees(2), degrees(4)
    if north is not None and east is not None:
        latitude = -north if tags.get(1) == "S" else north
        longitude = -east if tags.get(3) == "W" else east
        found.text(f"{latitude:.6f}, {longitude:.6f}", "/exif/position", "gps coordinates")
    for tag, value in tags.items():
        if isinstance(value, str | bytes):
            found.strings(value.encode() if isinstance(value, str) else value, f"/exif/gps/{tag}")


def _outside(content: bytes, kind: str) -> Iterator[tuple[bytes, str]]:
    """Parts of the container that Pillow says nothing of: comments, thumbnails, fields of other programs."""
    if kind in ("JPEG", "MPO"):
        for mark, data in _segments(content):
            if mark == 0xFE or 0xE1 <= mark <= 0xEF:
                yield data, "comment" if mark == 0xFE else f"app{mark - 0xE0}"
    elif kind == "PNG":
        for name, data in _chunks(content):
            if name not in _PIXEL_CHUNKS:
                yield data, name.decode("latin-1")
    elif kind == "TIFF":
        yield content, "tiff"


_PIXEL_CHUNKS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"zTXt", b"iCCP", b"fdAT"})


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] != 0xDA:
        length = int.from_bytes(content[at + 2 : at + 4])
        yield content[at + 1], content[at + 4 : at + 2 + length]
        at += 2 + length


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at, name = 8, b""
    while at + 12 <= len(content) and name != b"IEND":
        length, name = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        yield name, content[at + 8 : at + 8 + length]
        at += 12 + length


def _behind(content: bytes, kind: str) -> bytes:
    """What stands behind the end of an image, where the format has an end. It may be a second image."""
    if kind in ("JPEG", "MPO"):
        return content[_end_of_jpeg(content) :].strip(b"\0")
    if kind == "PNG":
        return content[8 + sum(12 + len(data) for _, data in _chunks(content)) :]
    if kind == "GIF":
        return content[_end_of_gif(content) :]
    if kind == "WEBP":
        return content[8 + int.from_bytes(content[4:8], "little") :].strip(b"\0")
    if kind == "BMP":
        return content[int.from_bytes(content[2:6], "little") :]
    return b""


def _end_of_jpeg(content: bytes) -> int:
    at = 2
    while at + 4 <= len(content):
        mark = content[at + 1]
        if content[at] != 0xFF:
            raise UnreadableError("bad-syntax")
        if mark == 0xD9:
            return at + 2
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
        if mark == 0xDA:
            # Pixels follow, in which a mark is followed by zero or is one of restart.
            next_mark = _MARK.search(content, at)
            at = next_mark.start() if next_mark else len(content)
    return at + 2


_MARK = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def _end_of_gif(content: bytes) -> int:
    def skip_table(flags: int, at: int) -> int:
        return at + (3 << ((flags & 7) + 1)) if flags & 0x80 else at

    at = skip_table(content[10], 13)
    while at < len(content):
        kind = content[at]
        if kind == 0x3B:
            return at + 1
        at = at + 2 if kind == 0x21 else skip_table(content[at + 9], at + 10) + 1
        while content[at]:
            at += 1 + content[at]
        at += 1
    return at
