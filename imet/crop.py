"""Content-aware crop: cut a picture to where a trained network's first layers respond.

The poster's own idea, in its words: feature maps of "the first 8 layers", "normalized by layer, and
layers with low standard deviation are not used. 'Nearest' interpolation is done to scale feature
maps up." What the poster leaves open is chosen here and named in `CropMethod`:

1. the picture is squeezed to the network's square input, so any aspect ratio will do;
2. the *ground*, each map's median along its frame, is subtracted from each layer's maps, since a
   museum photographs things on a ground; only the size of what is left counts, not its sign;
3. maps are divided by the standard deviation of their layer, and those that vary less than `cutoff`
   of it are left out: they have next to nothing to say, and every map counts the same;
4. a layer is the mean of its maps, scaled to [0, 1] and then scaled up by nearest neighbour; the
   saliency is the mean of the layers;
5. the box leaves out, on each of its four sides, `tail` of the cells above the mean saliency.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from tqdm import tqdm

from imet.data.images import read_image
from imet.data.layout import pictures_in
from imet.data.views import resize_view
from imet.io import InputError, atomic_path, write_json
from imet.models.encoder import Encoder
from imet.predict import load_network
from imet.typing import Array

Share = Annotated[float, Field(ge=0, lt=0.5)]  # of one side


@dataclass(frozen=True)
class CropMethod:
    """What the poster says of its crop, and what it leaves open.

    "modules" takes modules of any kind, as `vgg16.features[:8]` would. A map left out at a cutoff
    of 1/2 has less than a quarter of its layer's variance; a layer that varies evenly over its
    range has a standard deviation of 0.29. The rim is ignored and filled with the values
    beside it, since the zeros that convolutions pad with make edges that no picture has.
    """

    layers: Annotated[int, Field(ge=1)] = 8  # how many of the first layers
    reading: Literal["convolutions", "modules"] = "convolutions"  # in the order in which they run
    leave_out: Literal["maps", "layers"] = "maps"  # what has a "low standard deviation"
    cutoff: float = 0.5  # least standard deviation of a map over that of its layer
    layer_cutoff: float = 0.1  # least standard deviation of a layer scaled to [0, 1]
    rim: Share = 0.04  # share of each side
    tail: Share = 0.01  # share of the cells above the mean that is left outside on each side


POSTER = CropMethod()
BATCH = 16  # pictures at once


class _StopForward(Exception):
    """The last layer asked for has run; the rest of the network need not."""


def see_first_layers(
    encoder: Encoder, views: Tensor, method: CropMethod, see: Callable[[nn.Module, Tensor], None]
) -> None:
    """Call `see` with each of the first layers and its output, then stop the forward pass."""
    seen = 0

    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal seen
        if seen < method.layers and isinstance(output, Tensor) and output.ndim == 4:
            see(module, output)  # at once: an in-place ReLU may change it afterwards
            seen += 1
        if seen == method.layers:
            raise _StopForward

    modules = [m for m in encoder.backbone.modules() if not list(m.children())]
    if method.reading == "convolutions":
        modules = [m for m in encoder.backbone.modules() if isinstance(m, nn.Conv2d)]
    hooks = [module.register_forward_hook(hook) for module in modules]
    try:
        encoder.eval().maps(views)
    except _StopForward:
        pass
    finally:
        for handle in hooks:
            handle.remove()


@torch.inference_mode()
def feature_maps(
    encoder: Encoder, views: Tensor, method: CropMethod = POSTER
) -> list[tuple[str, Tensor]]:
    """The first layers' names and outputs, (B, C, h, w) each, in the order in which they run.

    Views are (B, 3, S, S) uint8; a network with fewer layers than asked for gives those it has.
    """
    names = {module: name for name, module in encoder.backbone.named_modules()}
    layers: list[tuple[str, Tensor]] = []
    see_first_layers(
        encoder, views, method, lambda m, maps: layers.append((names[m], maps.clone()))
    )
    return layers


def layer_saliency(maps: Tensor, method: CropMethod = POSTER) -> tuple[Tensor, Tensor]:
    """Combine a layer's feature maps (B, C, h, w) into one map per picture, and say which it used.

    Returns (B, h, w) in [0, 1], all 0 where the layer is constant, and (B, C) bool.

    Examples:
        >>> maps = torch.zeros(1, 2, 5, 5)
        >>> maps[0, 0, 2, 2] = 1.0  # the second map is flat
        >>> mean, used = layer_saliency(maps)
        >>> mean[0, 2].tolist(), used.tolist()
        ([0.0, 0.0, 1.0, 0.0, 0.0], [[True, False]])
    """
    height, width = maps.shape[2:]
    top, left = (min(round(method.rim * n + 0.499), (n - 1) // 2) for n in (height, width))
    inner = maps[:, :, top : height - top, left : width - left].float()  # (B, C, h', w')
    frame = [inner[:, :, 0], inner[:, :, -1], inner[:, :, :, 0], inner[:, :, :, -1]]
    ground = torch.cat(frame, 2).median(2).values  # (B, C)
    off = inner - ground[..., None, None]  # (B, C, h', w')
    mean, square = off.mean((2, 3)), torch.linalg.vector_norm(off, dim=(2, 3)).square()
    variance = (square / off[0, 0].numel() - mean.square()).clamp_min(0)  # (B, C), of each map
    level = mean + ground  # (B, C)
    whole = variance.mean(1) + level.var(1, correction=0)  # (B,), of the layer
    used = variance >= method.cutoff**2 * whole[:, None].clamp_min(1e-24)  # (B, C)
    if method.leave_out == "layers":
        used = torch.ones_like(used)
    weight = used / (whole.sqrt()[:, None] * used.sum(1, keepdim=True)).clamp_min(1e-12)  # (B, C)
    mean = torch.einsum("bchw,bc->bhw", off.abs_(), weight)
    low, high = mean.amin((1, 2), keepdim=True), mean.amax((1, 2), keepdim=True)
    mean = (mean - low) / (high - low).clamp_min(1e-12)  # (B, h', w')
    return F.pad(mean, (left, left, top, top), mode="replicate"), used


@torch.inference_mode()
def saliency(encoder: Encoder, views: Tensor, method: CropMethod = POSTER) -> Tensor:
    """Where the first layers respond to uint8 views (B, 3, S, S): (B, S, S) in [0, 1].

    Maps are added within a layer before they are scaled up. Nearest-neighbour scaling is linear,
    so this equals scaling each map, and needs only one scaling per layer.
    """
    size = views.shape[-1]
    total = torch.zeros(len(views), size, size, device=views.device)
    used = torch.zeros(len(views), 1, 1, device=views.device)

    def add(module: nn.Module, maps: Tensor) -> None:
        layer, _ = layer_saliency(maps, method)  # (B, h, w)
        keep = torch.ones_like(used)
        if method.leave_out == "layers":
            keep = (layer.std((1, 2), correction=0) >= method.layer_cutoff).float()[:, None, None]
        total.add_(keep * F.interpolate(layer[:, None], (size, size), mode="nearest")[:, 0])
        used.add_(keep)

    see_first_layers(encoder, views, method, add)
    return total / used.clamp_min(1)


def boxes_from_saliency(saliency: Array, tail: float = POSTER.tail) -> Array:
    """Boxes around what stands out, above the mean, in each of the maps (B, h, w).

    `tail` is the share of the cells above the mean left outside on each side. Boxes are (B, 4)
    float64 left, top, right, bottom as shares of the map's sides; a box is the whole map if
    nothing stands out.

    Examples:
        >>> one = np.zeros((1, 4, 4))
        >>> one[0, 1:3, 2] = 1
        >>> boxes_from_saliency(one, tail=0).tolist()
        [[0.5, 0.25, 0.75, 0.75]]
    """
    maps = np.asarray(saliency, np.float64)
    above = maps > maps.mean((1, 2), keepdims=True) + 1e-9  # (B, h, w)
    boxes = np.tile([0.0, 0.0, 1.0, 1.0], (len(maps), 1))
    stands_out = above.any((1, 2))
    for axis, (low, high) in ((1, (0, 2)), (2, (1, 3))):  # columns, then rows
        counts = above.sum(axis)  # (B, w) or (B, h)
        side, most = counts.shape[1], tail * counts.sum(1, keepdims=True)
        first = (np.cumsum(counts, 1) > most).argmax(1)
        last = side - (np.cumsum(counts[:, ::-1], 1) > most).argmax(1)
        boxes[stands_out, low] = first[stands_out] / side
        boxes[stands_out, high] = last[stands_out] / side
    return boxes


def crop_boxes(
    encoder: Encoder,
    pictures: Sequence[Array],
    size: int = 224,
    method: CropMethod = POSTER,
    batch: int = BATCH,
    device: torch.device | str = "cpu",
) -> Array:
    """The crop of every picture (H, W, 3) uint8, in its own pixels.

    `size` is the side of the network's input and `device` the encoder's device. Crops are (N, 4)
    int64 left, top, right, bottom; right and bottom are exclusive, and a crop has at least one
    pixel.
    """
    boxes = []
    for start in range(0, len(pictures), batch):
        views = torch.stack([resize_view(p, size) for p in pictures[start : start + batch]])
        maps = saliency(encoder, views.to(device), method).cpu().numpy()
        boxes += list(boxes_from_saliency(maps, method.tail))
    in_pixels = [to_pixels(box, *picture.shape[:2]) for box, picture in zip(boxes, pictures)]
    return np.array(in_pixels, np.int64).reshape(-1, 4)


def to_pixels(box: Array, height: int, width: int) -> Array:
    """Convert a box in shares of the sides to whole pixels that enclose it, (4,) int64.

    Examples:
        >>> to_pixels(np.array([0.1, 0.0, 0.5, 1.0]), 10, 30).tolist()
        [3, 0, 15, 10]
    """
    left, top, right, bottom = np.asarray(box) * [width, height, width, height]
    tiny = 1e-6  # 0.1 · 30 is a little over 3
    low_x, low_y = min(int(left + tiny), width - 1), min(int(top + tiny), height - 1)
    high_x, high_y = int(np.ceil(right - tiny)), int(np.ceil(bottom - tiny))
    return np.array([low_x, low_y, max(high_x, low_x + 1), max(high_y, low_y + 1)])


# --- Picture files


def picture_files(paths: Sequence[Path], out: Path) -> list[tuple[Path, Path]]:
    """List the pictures in files and folders, each with its crop's path below the output folder.

    Folders are searched by `imet.data.layout.pictures_in`, which skips files without a picture's
    ending and the output of an earlier run. InputError: nothing at a path, a folder without
    pictures, or two crops with the same path.
    """
    places: dict[Path, Path] = {}
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: there is no such file or folder")
        folder = path if path.is_dir() else path.parent
        for file in pictures_in(path, leave_out=out) if path.is_dir() else [path]:
            place = file.relative_to(folder).with_suffix(".png")
            if place in places:
                raise InputError(
                    f"{file} and {places[place]} would both become {place}; crop them into two "
                    "folders"
                )
            places[place] = file
    return [(file, place) for place, file in places.items()]


def crop_pictures(
    files: Sequence[tuple[Path, Path]],
    out: Path,
    folder: Path,
    method: CropMethod,
    device: str,
) -> tuple[dict[str, list[int]], list[str]]:
    """Cut pictures to what a finished run's network responds to, and write them as PNG files.

    `files` and their crops' paths below `out` come from `picture_files`; each crop is written
    atomically, and `crops.json` gets every box (left, top, right, bottom). Returns the boxes by
    picture, and a message for each picture that was not read.
    """
    sources = {path.resolve() for path, _ in files}
    for _, place in files:
        if (out / place).resolve() in sources:
            raise InputError(f"{out / place} would be overwritten by its crop; name another folder")
    network, recipe, *_ = load_network(folder, device)
    assert network.encoder is not None
    boxes: dict[str, list[int]] = {}
    problems: list[str] = []
    with tqdm(total=len(files), unit="picture", disable=None) as bar:
        for start in range(0, len(files), BATCH):
            read: list[tuple[Path, Path, Array]] = []
            for path, place in files[start : start + BATCH]:
                try:
                    read.append((path, place, read_image(path)))
                except InputError as error:  # one bad file does not cost the others
                    problems.append(str(error))
                bar.update()
            pictures = [picture for _, _, picture in read]
            cut = crop_boxes(network.encoder, pictures, recipe.input_size, method, device=device)
            for (path, place, picture), box in zip(read, cut.tolist()):
                left, top, right, bottom = boxes[str(path)] = box
                with atomic_path(out / place) as temporary:
                    Image.fromarray(picture[top:bottom, left:right]).save(temporary, format="PNG")
    write_json(out / "crops.json", boxes)
    return boxes, problems
