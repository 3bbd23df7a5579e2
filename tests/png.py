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
    image = np.zeros((height + 1, width + 1, channels), np.int32)  # a border of zeros above and to the left, as the filters want it
    for y, row in enumerate(rows, 1):
        line = row[1:].astype(np.int32).reshape(width, channels)
        _unfilter(int(row[0]), line, image[y - 1], image[y])
    return image[1:, 1:, :3].mean(axis=2).astype(np.uint8)


def _unfilter(kind: int, line: np.ndarray, above: np.ndarray, out: np.ndarray) -> None:
    if kind in (0, 2):
        out[1:] = (line + (above[1:] if kind else 0)) & 255
        return
    if kind == 1:
        out[1:] = line.cumsum(axis=0) & 255
        return
    for x in range(1, len(out)):
        a, b, c = out[x - 1], above[x], above[x - 1]
        if kind == 3:
            guess = (a + b) // 2
        else:
            near = np.abs(np.stack([b - c, a - c, a + b - 2 * c]))
            guess = np.where((near[0] <= near[1]) & (near[0] <= near[2]), a, np.where(near[1] <= near[2], b, c))
        out[x] = (line[x - 1] + guess) & 255
