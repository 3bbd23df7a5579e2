"""Screenshots as numbers, without an image library."""

import struct
import zlib
from pathlib import Path

import numpy as np


def grey(path: Path) -> np.ndarray:
    """An 8-bit PNG (RGB or RGBA, not interlaced) as [height, width] of uint8: the mean of its colours."""
    data, at, packed = path.read_bytes(), 8, b""
    width = height = channels = 0
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            width, height, depth, colours = struct.unpack(">IIBB", body[:10])
            assert depth == 8 and colours in (2, 6), (depth, colours)
            channels = 3 if colours == 2 else 4
        elif kind == b"IDAT":
            packed += body
        at += 12 + size
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + width * channels)
    return _unfiltered(rows[:, 0], rows[:, 1:].reshape(height, width, channels))[..., :3].mean(axis=2).astype(np.uint8)


def _unfiltered(kinds: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Pixels, [height, width, channels], of filtered lines and the filter of each; a diagonal at a time: they need those left and above."""
    height, width, channels = lines.shape
    image = np.zeros((height + 1, width + 1, channels), np.int32)  # a border of zeros above and to the left, as the filters want it
    for diagonal in range(height + width - 1):
        y = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        x = diagonal - y
        left, above, corner = image[y + 1, x], image[y, x + 1], image[y, x]
        near = np.abs(np.stack([above - corner, left - corner, left + above - 2 * corner]))
        paeth = np.where((near[0] <= near[1]) & (near[0] <= near[2]), left, np.where(near[1] <= near[2], above, corner))
        guess = np.choose(kinds[y][:, None], [0, left, above, (left + above) // 2, paeth])
        image[y + 1, x + 1] = (lines[y, x] + guess) & 255
    return image[1:, 1:]
