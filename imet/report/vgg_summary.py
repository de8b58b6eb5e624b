"""What VGG16 is made of, read from the module: shapes, parameters, receptive fields."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torchvision
from torch import nn

from imet.models.heads import VggHead


class Layer(NamedTuple):
    """One layer of a network; a batch norm that follows a convolution counts with it."""

    name: str  # as PyTorch names it
    kind: str  # "convolution", "pool" or "linear"
    shape: tuple[int, ...]  # of its output, without the batch
    parameters: int  # weights and biases
    field: int  # side in pixels of the square an output sees; 0 for linear layers, which see all
    stride: int  # pixels between neighbouring outputs; 0 for linear layers


def vgg_layers(
    name: str = "vgg16", labels: int = 1103, units: int = 5000, fc6_units: int = 4096
) -> list[Layer]:
    """Layers of torchvision's VGG16 or VGG16_bn with the poster's head, for a view of 224 pixels.

    The modules are built on PyTorch's "meta" device: shapes and counts without memory or weights.

    Examples:
        >>> layers = vgg_layers()
        >>> layers[0].shape, layers[0].parameters, layers[0].field
        ((64, 224, 224), 1792, 3)
        >>> [layer.shape[0] for layer in layers if layer.kind == "linear"]
        [4096, 5000, 1103]
    """
    with torch.device("meta"):
        convolutions = getattr(torchvision.models, name)().features
        head = VggHead(512 * 49, labels, units, fc6_units)
        layers: list[Layer] = []
        field, stride = 1, 1
        shape: tuple[int, ...] = (3, 224, 224)
        x = torch.empty(1, *shape)
        for index, module in enumerate(convolutions):
            x = module(x)
            shape = tuple(x.shape[1:])
            size = _parameters(module)
            if isinstance(module, nn.BatchNorm2d):
                layers[-1] = layers[-1]._replace(parameters=layers[-1].parameters + size)
            elif isinstance(module, nn.Conv2d | nn.MaxPool2d):
                sizes = module.kernel_size, module.stride  # numbers for pools, else pairs
                side, step = (n if isinstance(n, int) else int(n[0]) for n in sizes)
                field, stride = field + (side - 1) * stride, stride * step
                kind = "convolution" if size else "pool"
                layers.append(Layer(f"features.{index}", kind, shape, size, field, stride))
        for index, module in enumerate(head.layers):
            if isinstance(module, nn.Linear):
                out = (module.out_features,)
                name, size = f"head.layers.{index}", _parameters(module)
                layers.append(Layer(name, "linear", out, size, 0, 0))
    return layers


def _parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())
