"""Finished lines that nobody has taken yet: the newest, within a bound.

Lines come and stay in blocks, and are only told apart when they are taken, since in a flood most
never are. What is dropped is counted.
"""

from __future__ import annotations

from collections import deque


class Backlog:
    """Blocks of lines.

    Args:
        max_bytes: how many bytes of lines can be taken, and about how many are kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._blocks: deque[tuple[str, int]] = deque()
        self._size = 0
        self._cut = 0

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def add(self, block: str) -> None:
        """Add lines, each with its end. Blocks that cannot be taken any more are dropped."""
        size = len(block) if block.isascii() else len(block.encode())
        self._blocks.append((block, size))
        self._size += size
        while self._size - self._blocks[0][1] > self._max_bytes:
            dropped = self._blocks.popleft()[1]
            self._size -= dropped
            self._cut += dropped

    def take(self, max_bytes: int) -> tuple[tuple[str, ...], int]:
        """Return the newest lines and how many bytes of lines were dropped, and forget both.

        Args:
            max_bytes: the bound for the lines joined by line ends, as UTF-8. The newest line is
                cut to it if it has to be, and is there in any case.
        """
        if not self._blocks:
            return (), 0
        text = "".join(block for block, _ in self._blocks)
        size, cut = self._size, self._cut
        self._blocks.clear()
        self._size = self._cut = 0
        bound = max(0, min(max_bytes, self._max_bytes))
        # The last line's end is not between lines.
        if size - 1 > bound:
            data = text.encode()
            start = data.find(b"\n", size - bound - 2) + 1
            if start == size:
                start = data.rfind(b"\n", 0, size - 1) + 1
                data = data[: start + bound] + b"\n"
            text = data[start:].decode("utf-8", "ignore")
            cut += size - len(text.encode())
        return tuple(text[:-1].split("\n")), cut
