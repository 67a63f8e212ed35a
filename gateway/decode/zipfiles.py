"""ZIP archives: members, names, comments and whatever lies between them, and the archive rebuilt around an edit.

Nothing is unpacked to disk, and every byte is accounted for: a stretch that no entry claims is read as a content of
its own. Where the directory at the end and the headers in front of the data disagree, different programs unpack
different things, so such an archive is unread ("ambiguous"). A rebuilt archive keeps order, methods, dates and all
untouched members; only names, sums, sizes and positions follow the edit.

Source: APPNOTE.TXT 6.3.10 of PKWARE.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gateway.core.errors import SpliceError
from gateway.decode.media import MediaType
from gateway.decode.members import FILE_NAME, read_member, writing_of_name
from gateway.decode.office import package_of
from gateway.decode.packing import FAULTS, Meter
from gateway.decode.reading import Place, UnreadableError, shortened
from gateway.decode.tree import READ_ONLY, Change, Nested, Node, Writing, spliced_in
from gateway.decode.zipmethods import AES, LZMA, METHODS

_LOCAL, _CENTRAL, _DESCRIPTOR = b"PK\x03\x04", b"PK\x01\x02", b"PK\x07\x08"
_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_CENTRAL_HEADER = struct.Struct("<4s6H3I5H2I")
_END_RECORD = struct.Struct("<4s4H2IH")
_END_SIGN = re.compile(re.escape(_END))
_END64_RECORD = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64_RECORD = struct.Struct("<4sIQI")
_LONGEST_COMMENT = 0xFFFF
_IS_ENCRYPTED, _ENDS_BY_MARK, _HAS_DESCRIPTOR, _IS_UTF8 = 0x2041, 0x0002, 0x0008, 0x0800
_IN_EXTRA = 0xFFFFFFFF
_EXTRA64 = 0x0001
_PLAIN_EXTRAS = {
    0x000A: 32,  # NTFS times
    0x5455: 13,  # Unix times
    0x5855: 12,  # Unix times and owner, older
    0x7855: 4,  # Unix owner, older
    0x7875: 15,  # Unix owner
    0xCAFE: 0,  # Java
}
"""Extra fields that hold times and numbers only, and how long each is at most."""

FREE = Writing()


def is_zip(content: bytes) -> bool:
    """Whether programs would take it for a ZIP archive, with anything in front of it too."""
    if content.startswith((_LOCAL, _END, b"PK\x07\x08PK")):
        return True
    return bool(_ends(content))


def _ends(content: bytes) -> list[int]:
    """Where end records begin whose comment reaches to the end of the content exactly."""
    lowest = max(0, len(content) - _END_RECORD.size - _LONGEST_COMMENT)
    starts = (match.start() for match in _END_SIGN.finditer(content, lowest))
    return [at for at in starts if _comment_end(content, at) == len(content)]


def _comment_end(content: bytes, at: int) -> int:
    end = at + _END_RECORD.size
    return end + int.from_bytes(content[end - 2 : end], "little")


@dataclass(slots=True)
class _Number:
    """A number of the archive's structure: its value, and where it is written."""

    value: int
    at: int
    width: int

    def patch(self, value: int) -> tuple[int, int, bytes]:
        return self.at, self.at + self.width, value.to_bytes(self.width, "little")


@dataclass(slots=True)
class _Entry:
    name: bytes
    flags: int
    method: int
    crc: int
    size: _Number
    packed: _Number
    offset: _Number
    central: int
    name_at: int
    comment_at: int
    comment_end: int
    extras: list[tuple[int, int, int]]
    """Id, start and end of extra fields in the directory, those of the local header after them."""
    local: int = 0
    local_size: _Number | None = None
    local_packed: _Number | None = None
    data: int = 0
    data_end: int = 0
    end: int = 0
    """Behind the data descriptor, if there is one."""

    def text(self, raw: bytes) -> tuple[str, Callable[[str], bytes]]:
        charset = "utf-8" if self.flags & _IS_UTF8 else "cp437"
        try:
            return raw.decode(charset), lambda text: text.encode(charset)
        except UnicodeDecodeError:
            raise UnreadableError("bad-charset") from None


def read_zip(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Read an archive that is a file or a part of one."""
    _Archive(node, place).read()


@dataclass(slots=True)
class _Archive:
    node: Node[bytes]
    place: Place
    prefix: str = ""
    entries: list[_Entry] = field(default_factory=list)
    end: int = 0
    """Where the end record begins."""
    directory: int = 0
    before: int = 0
    """Bytes in front of what the archive's positions count from."""
    sealed: bool = False
    """Whether a signature covers the members."""

    def read(self) -> None:
        content = self.node.content
        self.prefix = self.place.kind("zip")
        ends = _ends(content)
        if len(ends) != 1:
            raise UnreadableError(
                "ambiguous" if ends else "trailing-bytes" if _END in content else "truncated"
            )
        self.end = ends[0]
        if content.find(_END, self.end + 1) >= 0:
            raise UnreadableError("ambiguous")
        self._read_directory()
        self._place_entries()
        at = 0
        members: list[tuple[str, Node[bytes], Place]] = []
        for number, entry in enumerate(self.entries):
            self._read_between(at, entry.local, number)
            self._unpack(entry, members)
            at = entry.end
        # Only now, since one member may say how to read another.
        package = package_of({name: inner.content for name, inner, _ in members})
        self.sealed = package is not None and package.sealed
        for name, inner, place in members:
            with place.unread_on_error():
                if inner.content and not (package and package.read(inner, name, place)):
                    read_member(inner, name, place)
        self._read_between(at, self.directory, len(self.entries))
        for entry in sorted(self.entries, key=lambda one: one.central):
            self._read_central(entry)
        comment_at = self.end + _END_RECORD.size
        self._text(comment_at, len(content), f"{self.prefix}@comment", _comment_of(content[comment_at:]))
        self.node.parts.sort(key=lambda part: part.start)
        self.node.rebuild = self._rebuilt

    def _read_directory(self) -> None:
        content = self.node.content
        _, disk, first_disk, here, count, size, offset, _ = _END_RECORD.unpack_from(content, self.end)
        end = self.end
        locator = end - _LOCATOR64_RECORD.size
        if locator >= 0 and content.startswith(_LOCATOR64, locator):
            end = locator - _END64_RECORD.size
            if end < 0 or not content.startswith(_END64, end):
                raise UnreadableError("bad-syntax")
            _, length, _, _, disk, first_disk, here, count, size, offset = _END64_RECORD.unpack_from(
                content, end
            )
            if length != _END64_RECORD.size - 12:
                raise UnreadableError("bad-syntax")
        self.directory = end - size
        self.before = self.directory - offset
        if disk or first_disk or here != count or self.directory < 0 or self.before < 0:
            raise UnreadableError("bad-syntax")
        if count > self.place.reading.limits.max_parts:
            raise UnreadableError("too-many-parts")
        at = self.directory
        for _ in range(count):
            entry, at = self._directory_entry(at)
            self.entries.append(entry)
        if at != end:
            raise UnreadableError("trailing-bytes")

    def _directory_entry(self, at: int) -> tuple[_Entry, int]:
        content = self.node.content
        if at + _CENTRAL_HEADER.size > self.end or not content.startswith(_CENTRAL, at):
            raise UnreadableError("bad-syntax")
        head = _CENTRAL_HEADER.unpack_from(content, at)
        _, _, _, flags, method, _, _, crc, packed, size, name, extra, comment, disk, _, _, offset = head
        name_at = at + _CENTRAL_HEADER.size
        extra_at = name_at + name
        comment_at = extra_at + extra
        end = comment_at + comment
        if end > self.end or disk not in (0, 0xFFFF):
            raise UnreadableError("bad-syntax")
        extras = list(_extras(content, extra_at, comment_at))
        numbers = [_Number(size, at + 24, 4), _Number(packed, at + 20, 4), _Number(offset, at + 42, 4)]
        size_, packed_, offset_ = self._wide(numbers, extras)
        raw = content[name_at:extra_at]
        entry = _Entry(raw, flags, method, crc, size_, packed_, offset_, at, name_at, comment_at, end, extras)
        return entry, end

    def _wide(self, numbers: list[_Number], extras: list[tuple[int, int, int]]) -> list[_Number]:
        """The numbers, those that are too large for their field from the extra field for that."""
        wide = [number for number in numbers if number.value == _IN_EXTRA]
        if not wide:
            return numbers
        spans = [(start, end) for kind, start, end in extras if kind == _EXTRA64]
        if len(spans) != 1:
            raise UnreadableError("ambiguous")
        start, end = spans[0]
        made = []
        for number in numbers:
            if number.value != _IN_EXTRA:
                made.append(number)
                continue
            if start + 8 > end:
                raise UnreadableError("bad-syntax")
            made.append(_Number(int.from_bytes(self.node.content[start : start + 8], "little"), start, 8))
            start += 8
        return made

    def _place_entries(self) -> None:
        """Find each entry's local header and data, which must agree with the directory and not overlap."""
        at = 0
        self.entries.sort(key=lambda one: one.offset.value)
        for entry in self.entries:
            self._place_entry(entry)
            if entry.local < at:
                raise UnreadableError("ambiguous")
            at = entry.end
        if at > self.directory:
            raise UnreadableError("bad-syntax")
        # Asked of the archive as a whole and before anything is unpacked: a bomb may have many members.
        limits, total = self.place.reading.limits, sum(entry.size.value for entry in self.entries)
        most = max(limits.max_ratio * len(self.node.content), limits.ratio_floor_bytes)
        if total > min(most, limits.max_expanded_bytes):
            raise UnreadableError("expands-too-much")

    def _place_entry(self, entry: _Entry) -> None:
        content = self.node.content
        at = entry.local = self.before + entry.offset.value
        if at + _LOCAL_HEADER.size > self.directory or not content.startswith(_LOCAL, at):
            raise UnreadableError("bad-syntax")
        _, _, flags, method, _, _, crc, packed, size, name, extra = _LOCAL_HEADER.unpack_from(content, at)
        name_at = at + _LOCAL_HEADER.size
        entry.data = name_at + name + extra
        entry.data_end = entry.end = entry.data + entry.packed.value
        if entry.data_end > self.directory:
            raise UnreadableError("bad-syntax")
        extras = list(_extras(content, name_at + name, entry.data))
        numbers = [_Number(size, at + 22, 4), _Number(packed, at + 18, 4)]
        entry.local_size, entry.local_packed = self._wide(numbers, extras)
        entry.extras += extras
        same = content[name_at : name_at + name] == entry.name and method == entry.method
        if not same or (flags ^ entry.flags) & (_IS_ENCRYPTED | _HAS_DESCRIPTOR | _IS_UTF8):
            raise UnreadableError("ambiguous")
        said = (crc, entry.local_size.value, entry.local_packed.value)
        true = (entry.crc, entry.size.value, entry.packed.value)
        if flags & _HAS_DESCRIPTOR:
            entry.end = self._descriptor_end(entry)
            agrees = all(one in (0, other) for one, other in zip(said, true, strict=True))
        else:
            agrees = said == true
        if not agrees:
            raise UnreadableError("ambiguous")

    def _descriptor_end(self, entry: _Entry) -> int:
        at = entry.data_end
        for width in (4, 8):
            numbers = struct.pack(
                "<I" + {4: "2I", 8: "2Q"}[width], entry.crc, entry.packed.value, entry.size.value
            )
            for written in (_DESCRIPTOR + numbers, numbers):
                if self.node.content.startswith(written, at):
                    return at + len(written)
        raise UnreadableError("ambiguous")

    def _read_between(self, start: int, end: int, number: int) -> None:
        """What no entry claims, e.g. the program in front of a self-extracting archive; zeros align what follows."""
        if start > end:
            raise UnreadableError("ambiguous")
        inner = Node(self.node.content[start:end])
        if inner.content.strip(b"\0"):
            place = self.place.within(f"{self.prefix}@between{number}")
            with place.unread_on_error():
                place.charge(end - start)
                self.node.parts.append(Nested(start, end, inner, _refuse))
                place.reading.read_body(inner, MediaType(), place)

    def _unpack(self, entry: _Entry, members: list[tuple[str, Node[bytes], Place]]) -> None:
        name, _ = entry.text(entry.name)
        place = self.place.within(f"{self.prefix}{shortened(name)}", shortened(name))
        with place.unread_on_error():
            if entry.flags & _IS_ENCRYPTED or entry.method == AES:
                raise UnreadableError("encrypted")
            inner = Node(self._unpacked(entry, place))
            self.node.parts.append(Nested(entry.data, entry.data_end, inner, self._editable))
            members.append((name, inner, place))

    def _editable(self, content: bytes) -> bytes:
        if self.sealed:
            raise SpliceError("signed: a signature in the file covers what the edits would change")
        return content

    def _unpacked(self, entry: _Entry, place: Place) -> bytes:
        data = self.node.content[entry.data : entry.data_end]
        meter = Meter(place, len(data))
        if entry.method not in METHODS:
            raise UnreadableError("bad-encoding")
        unpack, _ = METHODS[entry.method]
        if entry.method == LZMA:
            # The stream has a head of its own here, and ends by its size or by a mark.
            size = -1 if entry.flags & _ENDS_BY_MARK else entry.size.value
            data = data[4:9] + size.to_bytes(8, "little", signed=True) + data[9:]
        try:
            used = unpack(data, 0, meter)
        except FAULTS:
            raise UnreadableError("bad-encoding") from None
        content = b"".join(meter.pieces)
        if used != len(data):
            raise UnreadableError("trailing-bytes")
        if len(content) != entry.size.value or zlib.crc32(content) != entry.crc:
            raise UnreadableError("bad-syntax")
        return content

    def _read_central(self, entry: _Entry) -> None:
        name, encode = entry.text(entry.name)
        base = f"{self.prefix}{shortened(name)}"
        self._text(entry.name_at, entry.name_at + len(entry.name), f"{base}@filename", (name, encode))
        comment = self.node.content[entry.comment_at : entry.comment_end]
        self._text(entry.comment_at, entry.comment_end, f"{base}@comment", entry.text(comment))
        for kind, start, end in entry.extras:
            most = 24 + 4 if kind == _EXTRA64 else _PLAIN_EXTRAS.get(kind, -1)
            raw = self.node.content[start:end]
            if end - start > most and raw.strip(b"\0"):
                header = Node(raw.decode("latin-1"))
                self.place.leaf(header, (0, len(header.content)), READ_ONLY, f"{base}@extra")
                utf8 = Node(raw.decode("utf-8", "ignore"))
                self.place.leaf(utf8, (0, len(utf8.content)), READ_ONLY, f"{base}@extra")
                self.node.parts += (Nested(start, start, one, _refuse) for one in (header, utf8))

    def _text(self, start: int, end: int, address: str, text: tuple[str, Callable[[str], bytes]]) -> None:
        if start < end:
            inner = Node(text[0])
            what = address.rpartition("@")[2]
            named = (FILE_NAME, writing_of_name(text[0], FREE)) if what == "filename" else (what, FREE)
            self.place.leaf(inner, (0, len(inner.content)), named[1], address, named[0])
            self.node.parts.append(Nested(start, end, inner, lambda new: self._editable(text[1](new))))

    def _rebuilt(self, changes: list[Change]) -> bytes:
        new: dict[int, bytes] = {part.start: content for part, content in changes}
        patches: list[tuple[int, int, bytes]] = []
        numbers: list[tuple[_Entry, int, int]] = []
        for entry in self.entries:
            if (content := new.get(entry.data)) is not None and entry.data != entry.data_end:
                packed = METHODS[entry.method][1](content)
                patches.append((entry.data, entry.data_end, packed))
                numbers.append((entry, len(content), len(packed)))
                patches += self._sums(entry, content, packed)
            if (name := new.get(entry.name_at)) is not None:
                local_at = entry.local + _LOCAL_HEADER.size
                for at, length_at in ((entry.name_at, entry.central + 28), (local_at, entry.local + 26)):
                    patches += (
                        _Number(0, length_at, 2).patch(_short(name)),
                        (at, at + len(entry.name), name),
                    )
            if (comment := new.get(entry.comment_at)) is not None and entry.comment_at != entry.comment_end:
                patches.append((entry.comment_at, entry.comment_end, comment))
                patches.append(_Number(0, entry.central + 32, 2).patch(_short(comment)))
        content, at = self.node.content, self.end + _END_RECORD.size
        if (comment := new.get(at)) is not None:
            patches += ((at, len(content), comment), _Number(0, at - 2, 2).patch(_short(comment)))
        patches.sort(key=lambda patch: (patch[0], patch[1]))
        patches += self._positions(_Shift(patches))
        patches.sort(key=lambda patch: (patch[0], patch[1]))
        return spliced_in(content, patches)

    def _sums(self, entry: _Entry, content: bytes, packed: bytes) -> Iterator[tuple[int, int, bytes]]:
        crc, raw = zlib.crc32(content), self.node.content
        yield _Number(0, entry.central + 16, 4).patch(crc)
        yield entry.size.patch(len(content))
        yield entry.packed.patch(len(packed))
        local_crc = _Number(
            int.from_bytes(raw[entry.local + 14 : entry.local + 18], "little"), entry.local + 14, 4
        )
        # Headers that leave the numbers to the descriptor behind the data have zeros.
        for number, value in (
            (local_crc, crc),
            (entry.local_size, len(content)),
            (entry.local_packed, len(packed)),
        ):
            assert number is not None
            if number.value or not entry.flags & _HAS_DESCRIPTOR:
                yield number.patch(value)
        if entry.flags & _HAS_DESCRIPTOR:
            has_sign = raw.startswith(_DESCRIPTOR, entry.data_end) and entry.end - entry.data_end in (16, 24)
            at = entry.data_end + (4 if has_sign else 0)
            width = (entry.end - at - 4) // 2
            yield _Number(0, at, 4).patch(crc)
            yield _Number(0, at + 4, width).patch(len(packed))
            yield _Number(0, at + 4 + width, width).patch(len(content))

    def _positions(self, shift: _Shift) -> Iterator[tuple[int, int, bytes]]:
        for entry in self.entries:
            yield entry.offset.patch(entry.offset.value + shift.at(entry.local))
        content, moved = self.node.content, shift.at(self.directory)
        _, _, _, _, _, size, offset, _ = _END_RECORD.unpack_from(content, self.end)
        end64 = self.end - _LOCATOR64_RECORD.size - _END64_RECORD.size
        has_64 = content.startswith(_LOCATOR64, self.end - _LOCATOR64_RECORD.size)
        end = end64 if has_64 else self.end
        grown = shift.at(end) - moved
        if size != _IN_EXTRA:
            yield _Number(0, self.end + 12, 4).patch(size + grown)
        if offset != _IN_EXTRA:
            yield _Number(0, self.end + 16, 4).patch(offset + moved)
        if has_64:
            *_, size, offset = _END64_RECORD.unpack_from(content, end64)
            yield _Number(0, end64 + 40, 8).patch(size + grown)
            yield _Number(0, end64 + 48, 8).patch(offset + moved)
            locator = self.end - _LOCATOR64_RECORD.size
            was = int.from_bytes(content[locator + 8 : locator + 16], "little")
            yield _Number(0, locator + 8, 8).patch(was + shift.at(end64))


class _Shift:
    """How far edits move what stands behind them."""

    def __init__(self, patches: list[tuple[int, int, bytes]]) -> None:
        self._patches = [(end, len(new) - (end - start)) for start, end, new in patches]

    def at(self, position: int) -> int:
        return sum(grown for end, grown in self._patches if end <= position)


def _extras(content: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Id, start and end of each extra field; bytes that are none are one of id -1."""
    while start < end:
        if start + 4 > end:
            yield -1, start, end
            return
        kind, length = struct.unpack_from("<2H", content, start)
        if start + 4 + length > end:
            yield -1, start, end
            return
        yield kind, start + 4, start + 4 + length
        start += 4 + length


def _short(content: bytes) -> int:
    if len(content) > 0xFFFF:
        raise SpliceError("a name or comment would be too long for a ZIP archive")
    return len(content)


def _comment_of(raw: bytes) -> tuple[str, Callable[[str], bytes]]:
    try:
        return raw.decode(), str.encode
    except UnicodeDecodeError:
        return raw.decode("cp437"), lambda text: text.encode("cp437")


def _refuse(_: object) -> bytes:
    raise SpliceError("what lies between the members of an archive, or in their headers, cannot be edited")
