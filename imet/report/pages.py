"""A page of the book: the numbers that its prose, tables and captions are bound to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from imet.config import get_profile, resolve
from imet.devices import resolve_device
from imet.io import home, write_json
from imet.provenance import provenance
from imet.report.tables import with_interval
from imet.runs import Run
from imet.statistics import Interval


class Page:
    """Values that a chapter records where it shows them, with their provenance.

    Args:
        name: name of the notebook; `profile`, `seed` and `device` are its parameters.
        models: runs on the page, which names those made by another commit or on another device.
        pictures: profile whose pictures the page is about, if it is not `profile`.
        numbers: "recorded" or "counted" if most numbers of the page are; its label says so.

    Each assignment writes `runs/<profile>/pages/<name>.json`, which the role ``{num}`` reads. A key
    may be dotted; an `Interval` also stores its two ends as a further value, `interval`. NumPy
    scalars and arrays are converted; NaN and infinities raise ValueError.

    Examples:
        >>> page = Page("03_baseline", "tiny")  # doctest: +SKIP
        >>> page["threshold.grid"] = 0.12  # doctest: +SKIP
        >>> page["threshold"] = {"exact": 0.1234}  # doctest: +SKIP
    """

    def __init__(
        self,
        name: str,
        profile: str,
        seed: int = 0,
        device: str = "auto",
        models: Iterable[Run] = (),
        pictures: str = "",
        numbers: str = "",
    ) -> None:
        self.name, self.profile = name, profile
        self.values: dict[str, Any] = {}
        self._provenance = provenance(profile, seed, resolve_device(device))
        self._provenance["pictures"] = get_profile(pictures or profile).data
        self._provenance |= {"numbers": numbers} if numbers else {}
        self._models: dict[Path, Run] = {}
        self.add_models(*models)

    @property
    def path(self) -> Path:
        """`runs/<profile>/pages/<name>.json`."""
        return home() / "runs" / self.profile / "pages" / f"{self.name}.json"

    @property
    def files(self) -> Path:
        """Folder of files that the page links to; the book has it as `_static/pages/<name>/`."""
        return self.path.with_suffix("")

    def add_models(self, *models: Run) -> None:
        """Name further runs that the page shows."""
        self._models |= {run.folder: run for run in models}
        self._write()

    def __setitem__(self, key: str, value: Any) -> None:
        value = _plain(value)
        json.dumps(value, allow_nan=False)  # refused before anything is changed
        *above, last = key.split(".")
        node = self.values
        for part in above:
            node = node.setdefault(part, {})
        if isinstance(value, dict) and isinstance(node.get(last), dict):
            value = node[last] | value
        node[last] = value
        self._write()

    def _write(self) -> None:
        sources = [self._provenance, *(r.metrics["provenance"] for r in self._models.values())]
        (_, here), *others = dict.fromkeys((each["commit"], each["device"]) for each in sources)
        elsewhere = [
            commit if device == here else f"{commit} on {device}" for commit, device in others
        ]
        models = {"models": ", ".join(elsewhere)} if elsewhere else {}
        if networks := networks_of(self._models.values()):
            models["networks"] = networks
        write_json(self.path, {"provenance": self._provenance | models, "values": self.values})


def networks_of(models: Iterable[Run]) -> str:
    """Networks that ran in place of the documents'; empty if the documents' own ran.

    A page names its rows as the documents do; its label says what stands behind the names.
    """
    names = {
        (run.recipe.backbone, resolve(run.recipe.name, "kaggle").backbone): None for run in models
    }
    return ", ".join(f"{ran} in place of {stated}" for ran, stated in names if ran != stated)


def _plain(value: Any) -> Any:
    if isinstance(value, Interval):
        value = with_interval(value)
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(v) for v in (value.tolist() if isinstance(value, np.ndarray) else value)]
    return value.item() if isinstance(value, np.generic) else value
