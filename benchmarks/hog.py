"""HOG of 224-pixel views on one core: ours against scikit-image's."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from skimage.feature import hog as skimage_hog

from imet.hog import hog_blocks, hog_cells


def run(images: int = 32, rounds: int = 5) -> dict[str, Any]:
    """Median rates over interleaved rounds in views per second."""
    pixels = np.random.default_rng(0).integers(0, 256, (images, 224, 224, 3), dtype=np.uint8)
    batch = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()  # (B, 3, H, W)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    hog_blocks(hog_cells(batch))  # compile
    ours, peer = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(4):
            mine = hog_blocks(hog_cells(batch))
        ours.append(4 * images / (time.perf_counter() - start))
        start = time.perf_counter()
        theirs = [skimage_hog(x, 8, (16, 16), (3, 3), channel_axis=-1) for x in pixels]
        peer.append(images / (time.perf_counter() - start))
    torch.set_num_threads(threads)
    ours_rate, peer_rate = float(np.median(ours)), float(np.median(peer))
    return {
        "name": "hog",
        "what": "HOG descriptor of 10,368 values, one thread; peer: skimage.feature.hog",
        "ours": ours_rate,
        "peer": peer_rate,
        "ratio": ours_rate / peer_rate,
        "unit": "views/s",
        "largest_difference": float(np.abs(mine.numpy() - np.stack(theirs)).max()),
    }


if __name__ == "__main__":
    print(run())
