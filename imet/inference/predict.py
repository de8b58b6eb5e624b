"""The one forward loop: batches in, outputs in the order of the works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

Array = np.ndarray


@torch.inference_mode()
def predict(network: nn.Module, batches: Iterable[Mapping[str, Tensor]], works: int) -> Array:
    """Run a network in evaluation mode over batches of works.

    Args:
        network: takes a batch, returns logits (B·V, …).
        batches: as `imet.data.dataset` makes them; together they hold each work once.
        works: N.

    Returns:
        (N, V, …) float32 logits, one row a work, in the order of the works.

    Raises:
        ValueError: a work is missing or came twice.
    """
    training = network.training
    network.eval()
    outputs: Array | None = None
    seen = np.zeros(works, np.int64)
    for batch in batches:
        rows = batch["works"].cpu().numpy()
        logits = network(batch).float().cpu().numpy()  # (B·V, …)
        logits = logits.reshape(len(rows), -1, *logits.shape[1:])  # (B, V, …)
        if outputs is None:
            outputs = np.empty((works, *logits.shape[1:]), np.float32)
        outputs[rows] = logits
        np.add.at(seen, rows, 1)
    network.train(training)
    if outputs is None or not (seen == 1).all():
        missing = int((seen == 0).sum())
        raise ValueError(f"{missing} of {works} works missing, {int((seen > 1).sum())} came twice")
    return outputs
