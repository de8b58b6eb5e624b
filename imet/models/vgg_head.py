"""The poster's head: VGG16's fully connected stack with an intermediate layer of 5,000 units."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn


class VggHead(nn.Module):
    """25088 → 4096 → 5000 → K, or 25088 → 5000 → K.

    "Intermediate layer of 5000 in the fully connected stack" can be read both ways. The first
    keeps VGG16's first fully connected layer (fc6) with its ImageNet weights, the second starts
    anew. ReLU and dropout follow each layer but the last, as in VGG16.

    Args:
        width: D of the features, 25,088 for VGG16 at 224 pixels.
        num_labels: K.
        units: of the intermediate layer, the poster's 5,000 or 6,000.
        fc6_units: of the layer that is kept, 4,096; 0 for the reading without it.
        dropout: chance of a unit to be left out in training.
        feature: which feature of the encoder is read.

    Examples:
        >>> import torch
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

    def start_from(self, fc6: Mapping[str, Tensor]) -> None:
        """Take ImageNet's weights of fc6, where this head has a layer of the same shape."""
        first = self.layers[0]
        assert isinstance(first, nn.Linear)
        if self.fc6_units and first.weight.shape == fc6["weight"].shape:
            first.load_state_dict(dict(fc6))

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Logits (B, K)."""
        return self.layers(features[self.feature])  # (B, K)
