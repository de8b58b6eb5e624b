"""Six training views of each work from its PNG file, ours against the authors' way.

Ours is the path of every run: `WorkViews` decodes a work once and cuts its six views, the loader
makes batches, `augment` flips and jitters a batch, the encoder normalises it. Peer: a torchvision
`Dataset` with one item per view. The file is opened and decoded six times with Pillow, and each
view is resized or cropped, flipped, jittered, made a tensor and normalised by itself. Both run in
one process on one thread and end with normalised float tensors; rounds are interleaved and their
medians compared.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import nn
from torchvision import transforms as T

from imet.config import Recipe
from imet.data.dataset import ViewLoader
from imet.data.parts import Part
from imet.data.tables import Collection
from imet.labels import LabelSpace
from imet.models.backbones import Backbone
from imet.models.encoder import Encoder

MEAN, STD = (0.6473, 0.6115, 0.5658), (0.2507, 0.2501, 0.2533)
WORKS, ROUNDS = 8, 9
SIDE, LONGER = 300, (300, 339, 400, 423)  # Kaggle's shorter side and usual longer sides


def run() -> dict[str, Any]:
    """Views per second, both ways, each on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        paths = draw_pictures(Path(folder) / "train")
        part = Part(collection_of(paths), np.arange(WORKS), np.arange(2), "train")
        encoder = Encoder(Backbone(nn.Identity(), 3), MEAN, STD, names=())
        settings = Recipe("", workers=0)

        def ours() -> None:
            for views in ViewLoader(part, settings, WORKS)(np.arange(WORKS)):
                encoder.maps(views)

        rates = interleaved({"ours": ours, "peer": lambda: authors_way(paths)})
    torch.set_num_threads(threads)
    views = 6 * WORKS
    rates = {name: views / seconds for name, seconds in rates.items()}
    return {
        "name": "views",
        "what": "six training views of a PNG, one thread; peer: decode and transform each",
        "ours": rates["ours"],
        "peer": rates["peer"],
        "ratio": rates["ours"] / rates["peer"],
        "unit": "views/s",
    }


def collection_of(paths: list[Path]) -> Collection:
    """A collection of these pictures; each has a culture and a tag: one resize, five crops."""
    labels = LabelSpace(np.arange(2), ("culture::a", "tag::b"))
    targets = np.ones((len(paths), 2), bool)
    return Collection(paths[0].parent.parent, np.array([p.stem for p in paths]), labels, targets)


def authors_way(paths: list[Path]) -> None:
    """One dataset item per view: decode, transform, normalise, six times per work."""
    finish = [
        T.RandomHorizontalFlip(),
        T.ColorJitter(hue=0.05, saturation=0.05),
        T.ToTensor(),
        T.Normalize(MEAN, STD),
    ]
    resize = T.Compose([T.Resize((224, 224)), *finish])
    crop = T.Compose([T.RandomCrop(224), *finish])
    for path in paths:
        for view in range(6):
            with Image.open(path) as image:
                picture = image.convert("RGB")
            (crop if view else resize)(picture)


def interleaved(ways: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Median seconds of each way over rounds that take turns; the first round only warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times[1:]) for name, times in seconds.items()}


def draw_pictures(folder: Path) -> list[Path]:
    """PNG files of Kaggle's size that compress about as photographs do."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    paths = []
    for work in range(WORKS):
        size = (SIDE, LONGER[work % len(LONGER)], 3)
        coarse = gaussian_filter(rng.standard_normal(size), (12, 12, 0)) * 900
        picture = (128 + coarse + rng.normal(0, 3, size)).clip(0, 255).astype(np.uint8)
        paths.append(folder / f"{work}.png")
        Image.fromarray(picture).save(paths[-1])
    return paths


if __name__ == "__main__":
    result = run()
    print(
        f"{result['name']}: {result['ours']:.0f} {result['unit']} against "
        f"{result['peer']:.0f}, {result['ratio']:.1f} times"
    )
