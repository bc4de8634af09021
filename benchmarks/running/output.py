"""What adapters print is cut, whoever writes it: Python, a library in C, a process that they started."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any

MOST_OUTPUT = 20_000
"""Characters, and bytes past Python, that the adapters of a batch may print on either stream."""

_CUT = f"""head -c {MOST_OUTPUT}; n=$(wc -c); n=$((n))
[ $n -gt 0 ] && printf '\\n[… %s bytes of output left out …]\\n' $n"""
"""What is passed on of a stream, as a shell command. A process of its own does it, since native code that prints may
hold the interpreter: a thread of this one would never empty the pipe that such code waits for."""

_DRAINED = 1.0
"""Seconds that the rest of a stream may take; only what somebody holds who cannot be ended takes longer."""


@contextmanager
def bounded_output() -> Iterator[None]:
    """A block of which at most `MOST_OUTPUT` characters reach each of the two streams; how much was left out is said.

    Python's streams are replaced, since they need not end in a file descriptor (in a notebook they do not), and the
    descriptors 1 and 2 are led through a process. Where there is no shell, only the former holds.
    """
    bounded = [_Bounded(sys.stdout, 1), _Bounded(sys.stderr, 2)]
    try:
        with ExitStack() as stack:
            for stream in bounded:
                stack.enter_context(_cut(stream))
            stack.enter_context(redirect_stdout(bounded[0]))  # type: ignore[type-var]
            stack.enter_context(redirect_stderr(bounded[1]))  # type: ignore[type-var]
            yield
    finally:
        for stream in bounded:
            stream.close_up()


class _Bounded:
    """A text stream that passes on `MOST_OUTPUT` characters and counts the rest."""

    def __init__(self, stream: Any, descriptor: int):
        self.stream, self.descriptor, self.written = stream, descriptor, 0
        self.direct: Any = None
        """Past all bounds: for a progress bar that goes on meanwhile."""

    def write(self, text: str) -> int:
        """Pass on what there is room for; as with every stream, all of it counts as written."""
        room = max(MOST_OUTPUT - self.written, 0)
        self.written += len(text)
        if room and text and self.stream is not None:
            encoding = getattr(self.stream, "encoding", None) or "utf-8"
            self.stream.write(text[:room].encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def flush(self) -> None:
        """Nothing stays here; what cannot be written (a closed pipe) is the reader's choice."""
        if self.stream is not None:
            with suppress(OSError, ValueError):
                self.stream.flush()

    def close_up(self) -> None:
        """Say how much was left out."""
        if self.written > MOST_OUTPUT and self.stream is not None:
            self.stream.write(f"\n[… {self.written - MOST_OUTPUT} characters of output left out …]\n")

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.stream, name)
        # A bar of rich has put itself before the stream, and asks here for what lies behind.
        return self.direct if name == "rich_proxied_file" and self.direct else found


@contextmanager
def _cut(stream: _Bounded) -> Iterator[None]:
    """A block in which what is written to the file descriptor of `stream` is cut."""
    stream.flush()
    try:
        kept = os.dup(stream.descriptor)
    except OSError:  # it is closed
        yield
        return
    try:
        reader = subprocess.Popen(
            ["sh", "-c", _CUT], stdin=subprocess.PIPE, stdout=kept, stderr=subprocess.DEVNULL, start_new_session=True
        )
    except OSError:  # there is no shell
        os.close(kept)
        yield
        return
    assert reader.stdin is not None
    os.dup2(reader.stdin.fileno(), stream.descriptor)
    reader.stdin.close()
    stream.direct = os.fdopen(os.dup(kept), "w", encoding=getattr(stream.stream, "encoding", None), errors="replace")
    try:
        yield
    finally:
        stream.flush()
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).fflush(None)  # what C has not written yet
        direct, stream.direct = stream.direct, None
        with suppress(OSError):
            direct.close()
        os.dup2(kept, stream.descriptor)
        os.close(kept)
        try:
            reader.wait(_DRAINED)
        except subprocess.TimeoutExpired:
            reader.kill()
            reader.wait()
