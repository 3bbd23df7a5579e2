"""Texts that are nearly the same: MinHash over runs of five characters, a few seconds for a hundred thousand texts."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from pete.data.text import fold

GRAM = 5
"""Characters in a row that are compared."""
LEAST = 80
"""Characters: in a shorter text one other word is another text."""
SIMILAR = 0.7
"""Share of all such runs that two texts have in common (Jaccard): one word in twenty changed leaves .87, strangers share .1."""
PERMUTATIONS, BANDS, SEED = 128, 32, 1
"""128 give the share to about 4 points; 32 bands of 4 find 99.9% of the pairs at .7."""
CHUNK = 2_000_000
"""Characters that are hashed at once."""


class Near:
    """Which of some texts are nearly the same; what is the same but for blanks, capitals and quotation marks counts as such."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Compare all of them; what is found does not depend on their order."""
        keys = [" ".join(fold(text).casefold().split()) for text in texts]
        places: dict[str, list[int]] = {}
        for number, key in enumerate(keys):
            if len(key) >= LEAST:
                places.setdefault(key, []).append(number)
        distinct = sorted(places)
        flagged = _flagged(distinct)
        digests = (np.array(matrix.to_rows(), np.uint32) for matrix in _matrices(flagged))
        self._digests = np.concatenate([np.empty((0, PERMUTATIONS), np.uint32), *digests])
        self._row = {number: row for row, key in enumerate(flagged) for number in places[key]}
        joined = _joined(self._digests)
        groups: dict[int, list[int]] = {}
        for row, key in enumerate(flagged):
            groups.setdefault(joined[row], []).extend(places[key])
        same = [places[key] for key in distinct if len(places[key]) > 1 and places[key][0] not in self._row]
        self.groups = sorted(sorted(group) for group in [*groups.values(), *same] if len(group) > 1)
        """Numbers of the texts that belong together, each one near to another of its group; every text at most once."""
        self._keys = list(map(hash, keys))

    def similarity(self, one: int, other: int) -> float:
        """The share of their runs that two texts of a group have in common, to about 4 points."""
        if self._keys[one] == self._keys[other]:
            return 1.0
        first, second = (self._digests[self._row[number]] for number in (one, other))
        return np.count_nonzero(first == second) / PERMUTATIONS


@lru_cache(maxsize=1)  # the split and the check ask for the same rows
def near_to_each_other(texts: tuple[str, ...]) -> Near:
    """The same, kept for who asks next."""
    return Near(texts)


def _matrices(texts: Sequence[str]) -> Iterator[Any]:
    """MinHash digests of the texts, some thousand at a time."""
    from rensa import RMinHash  # type: ignore[attr-defined]  (compiled)

    held: list[str] = []
    size = 0
    for place, text in enumerate(texts, 1):
        held.append(text)
        size += len(text)
        if size > CHUNK or place == len(texts):
            hashes, ends = _hashes(held)
            yield RMinHash.digest_matrix_from_flat_token_hashes(hashes, ends, PERMUTATIONS, SEED)
            held, size = [], 0


def _hashes(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """A hash for every run of five characters of every text, and where each text's begin and end."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32).astype(np.uint64)
    hashes = codes[: -GRAM + 1].copy()
    for step in range(1, GRAM):
        hashes *= np.uint64(0x9E3779B97F4A7C15)
        hashes ^= hashes >> np.uint64(29)
        hashes += codes[step : len(codes) - GRAM + 1 + step]
    hashes *= np.uint64(0xBF58476D1CE4E5B9)
    hashes ^= hashes >> np.uint64(32)
    lengths = np.array([len(text) for text in texts])
    ends = np.cumsum(lengths)
    whole = np.ones(len(codes), bool)
    for last in range(1, GRAM):  # a run that reaches into the next text is nobody's
        whole[ends - last] = False
    return hashes[whole[: len(hashes)]], np.concatenate([[0], np.cumsum(lengths - GRAM + 1)]).astype(np.uint64)


def _flagged(texts: Sequence[str]) -> list[str]:
    """The texts that may be near to another: they share a band."""
    from rensa import RMinHashLSH  # type: ignore[attr-defined]

    index = RMinHashLSH(SIMILAR, PERMUTATIONS, BANDS)
    matrices = list(_matrices(texts))
    for number, matrix in enumerate(matrices):
        index.insert_matrix(matrix, sum(one.len() for one in matrices[:number]))
    flags = [flag for matrix in matrices for flag in index.query_duplicate_flags_matrix(matrix)]
    return [text for text, flag in zip(texts, flags, strict=True) if flag]


def _joined(digests: np.ndarray) -> list[int]:
    """For each digest the first of its group: in every band neighbours of the same hash are compared."""
    root = list(range(len(digests)))

    def find(number: int) -> int:
        while root[number] != number:
            root[number] = number = root[root[number]]
        return number

    found = [np.empty(0, np.int64)]
    width = PERMUTATIONS // BANDS
    for band in range(0, PERMUTATIONS if len(digests) else 0, width):
        part = np.ascontiguousarray(digests[:, band : band + width])
        order = np.lexsort(part.T)
        alike = np.flatnonzero((part[order[1:]] == part[order[:-1]]).all(1))
        for start in range(0, len(alike), CHUNK // PERMUTATIONS):
            first, second = (order[alike[start : start + CHUNK // PERMUTATIONS] + step] for step in (0, 1))
            close = np.count_nonzero(digests[first] == digests[second], axis=1) >= SIMILAR * PERMUTATIONS
            found.append(first[close] * len(digests) + second[close])
    for one, other in zip(*(part.tolist() for part in np.divmod(np.unique(np.concatenate(found)), max(1, len(digests)))), strict=True):
        low, high = sorted((find(one), find(other)))
        root[high] = low
    return [find(number) for number in range(len(digests))]
