"""What a GPU reaches: views per second of extraction and training, with random weights.

    python -m benchmarks.gpu OUT [--works 4096] [--seconds 20]

OUT gets pictures of noise in Kaggle's layout and their decoded pixels, about 0.4 MB per work: what
they show changes no rate. Each rate is measured three times over, to tell where the time goes: of
batches alone (`fed`), of the device on one batch that it holds (`device`), of both (`both`). The
result goes to `results/gpu.json`; on a CPU it is printed alone.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, count, repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from imet.batches import Batches
from imet.config import Recipe, resolve
from imet.data.parts import Parts, load_parts
from imet.decoding import beam_search
from imet.devices import describe_precision, half_precision, open_fabric, processors, resolve_device
from imet.io import REPO, write_json
from imet.models.encoder import Encoder
from imet.models.heads import Network
from imet.models.registry import build_encoder, build_head, feature_shapes
from imet.provenance import changed_files, provenance
from imet.training.criterion import make_criterion
from imet.training.loop import make_optimizer

RESULTS = REPO / "results" / "gpu.json"
LABELS, CULTURES = 1_077, 398
SIDE, LONGER = 300, (300, 339, 400, 423)  # Kaggle's shorter side and usual longer sides
WARM_UP, BEAMS = 5, 5

Batch = Mapping[str, Tensor]
Step = Callable[[Batch], object]


def pictures(folder: Path, works: int) -> Path:
    """Write a collection of noise: two cultures and two tags per work, some works per label."""
    (folder / "train").mkdir(parents=True, exist_ok=True)
    rng, lines = np.random.default_rng(0), ["id,attribute_ids"]
    coarse = rng.integers(0, 256, (64, 64, 3), np.uint8)
    for work in range(works):
        path = folder / "train" / f"{work:016x}.jpg"
        if not path.exists():
            size = LONGER[work % len(LONGER)], SIDE
            Image.fromarray(np.roll(coarse, work, axis=(0, 1))).resize(size).save(path)
        tags = LABELS - CULTURES
        labels = [work % CULTURES, (work + 1) % CULTURES]
        labels += [CULTURES + work % tags, CULTURES + (work + 1) % tags]
        lines.append(f"{work:016x},{' '.join(map(str, labels))}")
    names = [f"culture::{k}" if k < CULTURES else f"tag::{k}" for k in range(LABELS)]
    table = ["attribute_id,attribute_name", *(f"{k},{name}" for k, name in enumerate(names))]
    (folder / "labels.csv").write_text("\n".join(table) + "\n")
    (folder / "train.csv").write_text("\n".join(lines) + "\n")
    return folder


def rate(step: Step, batches: Iterable[Batch], seconds: float, device: str) -> float:
    """Views per second that go through `step`, after a few warm-up batches."""
    stream, views = iter(batches), 0
    for _ in range(WARM_UP):
        step(next(stream))
    wait(device)
    began = time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds or not views:
        batch = next(stream)
        step(batch)
        views += len(batch["targets"])
    wait(device)
    return views / max(elapsed, time.perf_counter() - began)


def wait(device: str) -> None:
    """Wait until the device has done what it was asked to do."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def three_rates(step: Step, batches: Batches, seconds: float) -> dict[str, float]:
    """Views per second of feeding, of the device, and of both together."""

    def endless() -> Iterator[Batch]:
        return chain.from_iterable(batches.training(epoch) for epoch in count())

    held, device = next(endless()), batches.device
    return {
        "fed": rate(lambda batch: None, endless(), seconds, device),
        "device": rate(step, repeat(held), seconds, device),
        "both": rate(step, endless(), seconds, device),
    }


def extraction(recipe: Recipe, parts: Parts, device: str, seconds: float) -> dict[str, Any]:
    """Rates of frozen features, eager and, on a GPU, compiled; and what half precision changes."""
    encoder = build_encoder(recipe).to(device).eval()
    encoder.backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    batches = Batches(recipe, parts, encoder, device)
    batches.prepare(cache_views=True)

    @torch.inference_mode()
    def step(batch: Batch) -> dict[str, Tensor]:
        return encoder(batch["views"])

    held = next(iter(batches.training(0)))
    exact = step(held)["pooled"]
    values = {"float32": {"device": rate(step, repeat(held), seconds, device)}}
    encoder.computes_in = half_precision(recipe, device)
    values["as_run"] = three_rates(step, batches, seconds)
    off = (step(held)["pooled"] - exact).abs().max() / exact.abs().max()
    if device.startswith("cuda"):
        encoder.backbone.compile()
        values["compiled"] = {"device": rate(step, repeat(held), seconds, device)}
    return {"views_per_second": values, "largest_relative_difference": float(off)}


def training(recipe: Recipe, parts: Parts, device: str, seconds: float) -> dict[str, Any]:
    """Rates of a recipe's training steps, as its run does them."""
    fabric = open_fabric(recipe, device)
    encoder = build_encoder(recipe)
    encoder.computes_in = half_precision(recipe, device)
    shapes = feature_shapes(encoder, recipe.input_size)
    network = Network(build_head(recipe, shapes, len(parts.labels), encoder.backbone), encoder)
    network.to(device)
    encoder.backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model, optimizer = fabric.setup(network, make_optimizer(network.parameters(), recipe))
    criterion = make_criterion(recipe, parts.train.targets, device)
    batches = Batches(recipe, parts, encoder, device)
    batches.prepare(cache_views=True)
    model.train()

    def step(batch: Batch) -> None:
        optimizer.zero_grad(set_to_none=True)
        fabric.backward(criterion(model(batch), batch))
        optimizer.step()

    rates = three_rates(step, batches, seconds)
    held = torch.cuda.max_memory_allocated(device) / 1e9 if device.startswith("cuda") else 0.0
    return {"views_per_second": rates, "gigabytes": held, "batch": recipe.batch_size}


def recurrent(recipe: Recipe, device: str, seconds: float) -> dict[str, Any]:
    """Rates of AttnCNN-RNN's head on features held by the device: training and beam search."""
    encoder: Encoder = build_encoder(recipe)
    shapes = feature_shapes(encoder, recipe.input_size)
    torch.manual_seed(0)
    head = build_head(recipe, shapes, LABELS).to(device)
    optimizer = make_optimizer(head.parameters(), recipe)
    views = 6 * recipe.batch_size
    batch = {name: torch.rand(views, *shapes[name]).to(device) for name in ("pooled", "spatial")}
    batch["targets"] = (torch.rand(views, LABELS) < 3 / LABELS).float().to(device)
    criterion = make_criterion(recipe, batch["targets"].cpu().numpy() > 0, device)

    def step(batch: Batch) -> None:
        optimizer.zero_grad(set_to_none=True)
        criterion(head(batch), batch).backward()
        optimizer.step()

    @torch.inference_mode()
    def search(batch: Batch) -> None:
        beam_search(head, batch, BEAMS)

    head.train()
    rates = {"training": rate(step, repeat(batch), seconds, device)}
    head.eval()
    rates["beam_search"] = rate(search, repeat(batch), seconds, device)
    return {"views_per_second": rates, "labels": LABELS, "beams": BEAMS}


def measured(
    out: Path, works: int, device: str, seconds: float, changes: Mapping[str, Any]
) -> dict[str, Any]:
    """All rates; `changes` apply to every recipe."""
    folder = pictures(out / "noise", works)
    asked = {"weights": "random", "labels": "all", "drop_rare": False, **changes}
    rows = {name: resolve(name, "kaggle", asked) for name in ("resnet50", "vgg16_bn_step10")}
    backbone = {"backbone": "efficientnet_lite0", **asked}
    attention = resolve("attn_cnn_rnn", "kaggle", backbone)
    values = {}
    for name, recipe in rows.items():
        parts = load_parts(folder, recipe)
        measure = extraction if recipe.frozen else training
        values[name] = measure(recipe, parts, device, seconds)
        values[name]["precision"] = describe_precision(recipe, device)
    return values | {"attn_cnn_rnn": recurrent(attention, device, seconds)}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("out", type=Path, help="folder for pictures; IMET_HOME holds their pixels")
    parser.add_argument("--works", type=int, default=4096)
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--set", action="append", default=[], help="a change of every recipe")
    chosen = parser.parse_args(arguments)
    device = resolve_device(chosen.device)
    on_gpu = device.startswith("cuda")
    if on_gpu and (changed := changed_files()):
        raise SystemExit(f"not recorded: commit these first: {', '.join(changed)}")
    changes = {name: json.loads(value) for name, _, value in (c.partition("=") for c in chosen.set)}
    values = measured(chosen.out, chosen.works, device, chosen.seconds, changes)
    source = provenance("kaggle", 0, device) | {"processors": processors(), "changes": changes}
    text = json.dumps(values, indent=2)
    print(text)
    if on_gpu:
        write_json(RESULTS, {"provenance": source, "values": json.loads(text)})


if __name__ == "__main__":
    main()
