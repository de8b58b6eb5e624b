"""Heads on a backbone's features: the paper's linear layer, the poster's VGG16, a later decoder."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from imet.hog import hog_blocks
from imet.models.encoder import Encoder

# --- The paper's baseline


class LinearHead(nn.Module):
    """A new last fully connected layer on D pooled features, with or without the HOG vector.

    `hog_width` is H, the length of the HOG vector (section 3.2); 0 leaves it out. `standardise`
    scales its values by mean and standard deviation over training batches (not in the paper).

    Examples:
        >>> LinearHead(4, 3)({"pooled": torch.zeros(2, 4)}).shape
        torch.Size([2, 3])
    """

    def __init__(
        self, width: int, num_labels: int, hog_width: int = 0, standardise: bool = False
    ) -> None:
        super().__init__()
        self.hog_width = hog_width
        self.scale = nn.BatchNorm1d(hog_width, affine=False) if standardise else nn.Identity()
        self.fc = nn.Linear(width + hog_width, num_labels)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Logits (B, K) from the features "pooled" (B, D) and, with HOG, "hog" (B, H)."""
        v = features["pooled"]  # (B, D)
        if self.hog_width:
            v = torch.cat([v, self.scale(features["hog"])], dim=1)  # (B, D + H)
        return self.fc(v)  # (B, K)


class Network(nn.Module):
    """Encoder and head as one module; it has no encoder if it only gets stored features."""

    def __init__(self, head: nn.Module, encoder: Encoder | None = None) -> None:
        super().__init__()
        self.head, self.encoder = head, encoder

    def features(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the head reads, from views (B, 3, S, S) uint8 or from stored features."""
        if "views" not in batch:
            features = dict(batch)
        elif self.encoder is None:
            raise ValueError("this network was built for stored features and got pictures")
        else:
            features = self.encoder(batch["views"])
        if "hog_cells" in features:  # stores keep cells, a sixth of the vector's size
            features["hog"] = hog_blocks(features["hog_cells"])  # (B, H)
        return features

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Logits of a batch, teacher-forced along its "path" of labels (B, T) if it has one."""
        features = self.features(batch)
        device = next(iter(features.values())).device
        with torch.autocast(device.type, enabled=False):  # a head's sums need float32
            return self.head(features, batch["path"]) if "path" in batch else self.head(features)


# --- The poster's head


class VggHead(nn.Module):
    """25088 → 4096 → 5000 → K, or 25088 → 5000 → K.

    "Intermediate layer of 5000 in the fully connected stack" can be read both ways. The first
    keeps VGG16's first fully connected layer (fc6) with its ImageNet weights; the second, with
    `fc6_units` 0, starts anew. ReLU and dropout follow each layer but the last, as in VGG16.
    `width` is the width of the encoder's `feature`, `units` are the poster's 5,000 or 6,000.

    Examples:
        >>> head = VggHead(8, 3, units=5, fc6_units=4)
        >>> [tuple(layer.weight.shape) for layer in head.layers if isinstance(layer, nn.Linear)]
        [(4, 8), (5, 4), (3, 5)]
        >>> head({"grid": torch.zeros(2, 8)}).shape
        torch.Size([2, 3])
    """

    def __init__(
        self,
        width: int,
        num_labels: int,
        units: int = 5000,
        fc6_units: int = 4096,
        dropout: float = 0.5,
        feature: str = "grid",
    ) -> None:
        super().__init__()
        self.feature, self.fc6_units = feature, fc6_units
        layers: list[nn.Module] = []
        for size in (fc6_units, units) if fc6_units else (units,):
            layers += [nn.Linear(width, size), nn.ReLU(), nn.Dropout(dropout)]
            width = size
        self.layers = nn.Sequential(*layers, nn.Linear(width, num_labels))

    def load_fc6(self, fc6: Mapping[str, Tensor]) -> None:
        """Load the ImageNet weights of fc6 if this head has a layer of the same shape."""
        if self.fc6_units and self.layers[0].weight.shape == fc6["weight"].shape:
            self.layers[0].load_state_dict(dict(fc6))

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Logits (B, K)."""
        return self.layers(features[self.feature])  # (B, K)


# --- Of neither document


class QueryDecoder(nn.Module):
    """K learned queries attend to one another and to the P regions of a view.

    A Transformer decoder layer replaces the recurrence: it gives all labels at once, each with an
    attention map of its own (Query2Label, Liu et al. 2021, one layer without their encoder).
    `feature_dim` is D, the width of the regions' features; `width` is the width of queries and
    attention, which has one head for every 64 units of it.

    Examples:
        >>> QueryDecoder(3, feature_dim=8, width=16)({"spatial": torch.zeros(2, 49, 8)}).shape
        torch.Size([2, 3])
    """

    def __init__(
        self, num_labels: int, feature_dim: int, width: int = 256, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.project = nn.Linear(feature_dim, width)
        self.queries = nn.Parameter(torch.randn(num_labels, width) * width**-0.5)
        self.decoder = nn.TransformerDecoderLayer(
            width, max(1, width // 64), 2 * width, dropout, batch_first=True
        )
        self.weight = nn.Parameter(torch.randn(num_labels, width) * width**-0.5)
        self.bias = nn.Parameter(torch.zeros(num_labels))

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Logits (B, K) from the feature "spatial" (B, P, D)."""
        regions = self.project(features["spatial"]).relu()  # (B, P, W)
        queries = self.queries.expand(len(regions), -1, -1)  # (B, K, W)
        answers = self.decoder(queries, regions)  # (B, K, W)
        return (answers * self.weight).sum(-1) + self.bias  # (B, K)
