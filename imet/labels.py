"""The label space: which column is which label, of which kind, and how frequent.

Names are Kaggle's, `culture::japan` or `tag::men`; the part before the first `::` is the kind. The
paper knows two kinds, for the whole picture (culture) and for something in it (tag). If a table has
others, `culture_kinds` says which are taken for culture, and all others are taken for tags. The
columns of every `(…, K)` array follow the order of a `LabelSpace`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from imet.typing import Array


@dataclass(frozen=True, eq=False)
class LabelSpace:
    """K labels in column order.

    Examples:
        >>> space = LabelSpace(np.array([3, 5]), ("culture::japan", "tag::men"))
        >>> space.column("tag::men"), space.column(5), space.short(0), space.kinds.tolist()
        (1, 1, 'japan', ['culture', 'tag'])
    """

    ids: Array  # (K,) int64, Kaggle's `attribute_id`; not always 0 … K-1
    names: tuple[str, ...]  # K full names, `kind::name`
    culture_kinds: tuple[str, ...] = ("culture",)  # kinds taken for culture by the documents' rules

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def is_culture(self) -> Array:
        """(K,) bool: True for labels of a kind in `culture_kinds`, False for all others."""
        return np.isin(self.kinds, self.culture_kinds)

    @cached_property
    def kinds(self) -> Array:
        """(K,) str, "culture" or "tag" in Kaggle's table; "" for a name without a kind."""
        kinds = [name.partition("::")[0] if "::" in name else "" for name in self.names]
        return np.array(kinds, dtype=np.str_)

    def taken_for(self) -> dict[str, list[str]]:
        """The kinds in use, by what they are taken for, "culture" or "tag".

        Examples:
            >>> LabelSpace(np.arange(3), ("medium::oil", "culture::dutch", "tags::men")).taken_for()
            {'culture': ['culture'], 'tag': ['medium', 'tags']}
        """
        taken: dict[str, list[str]] = {"culture": [], "tag": []}
        for kind in dict.fromkeys(self.kinds.tolist()):
            taken["culture" if kind in self.culture_kinds else "tag"].append(kind)
        return taken

    @cached_property
    def _columns(self) -> dict[str | int, int]:
        by_name: dict[str | int, int] = {name: k for k, name in enumerate(self.names)}
        return by_name | {int(i): k for k, i in enumerate(self.ids)}

    def column(self, label: str | int) -> int:
        """Column of a label given by full name or attribute id; KeyError suggests close names."""
        if label in self._columns:
            return self._columns[label]
        word = str(label).split("::")[-1]
        close = [name for name in self.names if word and word in name][:5]
        raise KeyError(f"no label {label!r}" + (f"; close: {', '.join(close)}" if close else ""))

    def short(self, column: int) -> str:
        """Name of a column without its kind."""
        return self.names[column].split("::", 1)[-1]

    def select(self, columns: Array) -> LabelSpace:
        """The label space of some columns, in the order given."""
        names = tuple(self.names[int(k)] for k in columns)
        return LabelSpace(np.asarray(self.ids)[columns], names, self.culture_kinds)


def quartile_of(counts: Array) -> Array:
    """Quartile of each label by training frequency: 4 holds the most frequent, 1 the rarest.

    The paper (section 5.4) sorts the class proportions and cuts the ranking into four; ties keep
    column order. Maps (K,) uses in training to (K,) int64 in 1 … 4; sizes differ by at most one.

    Examples:
        >>> quartile_of(np.array([9, 1, 5, 0])).tolist()
        [4, 2, 3, 1]
    """
    counts = np.asarray(counts)
    rank = np.empty(len(counts), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))  # 0 = most frequent
    return 4 - rank * 4 // max(len(counts), 1)
