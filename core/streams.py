"""A text file, plain or compressed, to chunks of its bytes; what cuts it short is told, never passed over."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from .errors import DataError

CHUNK = 1 << 20
"""Bytes read at once: parsed rows of one chunk stay in the processor's cache, which is 1.3 times as fast as 16 MiB."""

COMPRESSED_CHUNK = 1 << 14
"""Compressed bytes that are unpacked at once: where a stream is damaged, as much is lost before the damage."""

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

CONTROL_BYTES = bytes(set(range(32)) - set(b"\t\n\r\f\x1b")) + b"\x7f"
MAX_CONTROL_SHARE = 0.05
"""Above this share of control bytes a file is binary, if its first line has any: text has next to none, random bytes
have 0.11."""

FOREIGN_MAGIC = {
    b"PK\x03\x04": "a zip or Excel file; save the sheet as CSV",
    b"%PDF": "a PDF; extract its rows to CSV or JSONL",
    b"SQLite format 3": "a SQLite database; export the table as CSV",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
    b"BZh": "compressed by bzip2; use gzip or zstd",
    b"\xfd7zXZ": "compressed by xz; use gzip or zstd",
}
"""First bytes of files that people mistake for data files, and what to do."""


class BrokenFileError(Exception):
    """A file that cannot be read on from here: what is wrong, at which line, and the text that is left over."""

    def __init__(self, reason: str, *, line: int = 1, rest: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.rest = rest


class Unpacked(Protocol):
    """A stream of a file's bytes, decompressed."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Bytes that were put into the buffer, 0 at the end."""


class _Decompressed(io.RawIOBase):
    """What a compressed stream holds."""

    def __init__(self, stream: BinaryIO, codec: str) -> None:
        self._pieces = _pieces(stream, codec)
        self._ready = memoryview(b"")

    def readinto(self, buffer: Any, /) -> int:
        """Bytes of one piece, as many as fit."""
        while not self._ready:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._ready = memoryview(piece)
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size


@contextmanager
def open_unpacked(path: Path) -> Iterator[Unpacked]:
    """The bytes of a file, decompressed if its first bytes say that it is compressed.

    Reading from it raises BrokenFileError where the compressed stream is damaged or ends early, after all bytes before.
    """
    with path.open("rb", buffering=0) as stream:
        codec = _codec_of(stream)
        yield _Decompressed(stream, codec) if codec else stream


def _codec_of(stream: BinaryIO) -> str:
    """What the first bytes say; empty where the stream is not compressed."""
    magic = stream.read(4)
    stream.seek(0)
    return "gzip" if magic.startswith(GZIP_MAGIC) else "zstd" if magic == ZSTD_MAGIC else ""


def read_head(path: Path, name: str) -> bytes:
    """The first chunk, decompressed; empty for an empty file.

    Raises:
        DataError: there is no such file, or it may not be read.
    """
    try:
        return next(read_chunks(path), b"")
    except BrokenFileError:
        return b""
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror or error})") from error


def read_chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a file, decompressed if its first bytes say that it is compressed.

    Raises:
        BrokenFileError: the compressed stream is damaged or ends early; all bytes before that were yielded.
    """
    with path.open("rb") as stream:
        if codec := _codec_of(stream):
            yield from _decompress(stream, codec)
        else:
            while chunk := stream.read(CHUNK):
                yield chunk


def _decompress(stream: BinaryIO, codec: str) -> Iterator[bytes]:
    """Chunks of what the stream holds; where it breaks, what came before the break and then the error."""
    ready: list[bytes] = []
    try:
        for piece in _pieces(stream, codec):
            ready.append(piece)
            if sum(map(len, ready)) >= CHUNK:
                yield b"".join(ready)
                ready = []
    except BrokenFileError:
        if ready:
            yield b"".join(ready)
        raise
    if ready:
        yield b"".join(ready)


def _pieces(stream: BinaryIO, codec: str) -> Iterator[bytes]:
    """Members or frames one after the other, each checked to its end."""
    new, errors = _codec(codec)
    decoder, started = new(), False
    while block := stream.read(COMPRESSED_CHUNK):
        while block:
            if decoder.eof:
                block = block.lstrip(b"\0")  # padding after the last member is allowed
                decoder, started = new(), False
                continue
            started = True
            try:
                yield decoder.decompress(block)
            except errors as error:
                raise BrokenFileError(f"the {codec} stream is damaged ({error})") from error
            block = decoder.unused_data if decoder.eof else b""
    if started and not decoder.eof:
        raise BrokenFileError(f"the {codec} stream ends early, so the file is truncated")


def _codec(codec: str) -> tuple[Any, type[Exception]]:
    if codec == "gzip":
        return lambda: zlib.decompressobj(wbits=31), zlib.error
    import zstandard

    return lambda: zstandard.ZstdDecompressor().decompressobj(), zstandard.ZstdError


def check_text(head: bytes) -> None:
    """Stop at what is no text.

    Raises:
        BrokenFileError: the first bytes are those of another format, or full of control bytes.
    """
    for magic, what in FOREIGN_MAGIC.items():
        if head.startswith(magic):
            raise BrokenFileError(f"this is {what}")
    sample = head[: 1 << 16]
    control = len(sample) - len(sample.translate(None, CONTROL_BYTES))
    first_line = sample.partition(b"\n")[0]
    if control > MAX_CONTROL_SHARE * len(sample) and len(first_line.translate(None, CONTROL_BYTES)) < len(first_line):
        raise BrokenFileError("this is a binary file, not text")
    if b"\r" in sample and b"\n" not in head:
        raise BrokenFileError("lines end in a bare carriage return; convert them to newlines")
