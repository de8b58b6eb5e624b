"""Six training views from one PNG file, ours against the authors' way.

Peer: as a torchvision `Dataset` with one item a view does it. The file is opened and decoded six
times with Pillow, each view resized or cropped, flipped, jittered, made a tensor and normalised by
itself. Ours decodes once, cuts all six and finishes them together. Both end with six normalised
float tensors of one work; rounds are interleaved in one process and their medians compared.
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
from torchvision import transforms as T

from imet.data.augment import augment, normalise
from imet.data.images import read_image
from imet.data.views import make_views, view_kinds, work_rng

MEAN, STD = (0.6473, 0.6115, 0.5658), (0.2507, 0.2501, 0.2533)
WORKS, ROUNDS = 8, 9
SIDE, LONGER = 300, (300, 339, 400, 423)  # Kaggle's shorter side and usual longer sides


def run() -> dict[str, Any]:
    """Views per second by both ways, each on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        paths = draw_pictures(Path(folder))
        generator = torch.Generator().manual_seed(0)

        def ours() -> None:
            for path in paths:
                kinds = view_kinds(True, True, train=True)
                views = make_views(read_image(path), kinds, work_rng(0, path.stem))  # (V, 3, H, W)
                normalise(augment(views, generator=generator), MEAN, STD)

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


def authors_way(paths: list[Path]) -> None:
    """One dataset item a view: decode, transform, normalise, six times a work."""
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
