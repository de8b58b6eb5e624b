"""Crop picture files with a finished run's network, many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from imet.data.images import read_image
from imet.inference.crops import POSTER, CropMethod, crop_boxes
from imet.inference.pictures import load_network
from imet.io import InputError, atomic_path, write_json

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".jp2")


def picture_files(given: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Pictures named or inside named folders, each with where its crop goes below the output.

    Folders are searched to their last branch, in sorted order; files that are no pictures by their
    ending are passed over there. Two pictures that would go to one place are refused.

    Raises:
        InputError: nothing at a path, a folder without pictures, or two with one name.
    """
    found: list[tuple[Path, Path]] = []
    for path in given:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in ENDINGS)
            if not inside:
                raise InputError(f"{path}: no picture in this folder ({', '.join(ENDINGS)})")
            found += [(p, p.relative_to(path)) for p in inside]
        elif path.exists():
            found.append((path, Path(path.name)))
        else:
            raise InputError(f"{path}: there is no such file or folder")
    taken: dict[Path, Path] = {}
    for path, place in found:
        place = place.with_suffix(".png")
        if place in taken:
            raise InputError(
                f"{path} and {taken[place]} would both become {place}; crop them into two folders"
            )
        taken[place] = path
    return [(path, place) for place, path in taken.items()]


def crop_pictures(
    files: Sequence[tuple[Path, Path]],
    out: Path,
    folder: Path,
    method: CropMethod = POSTER,
    device: str = "cpu",
    batch: int = 16,
    progress: bool = False,
) -> tuple[dict[str, list[int]], list[str]]:
    """Cut pictures to what a run's network responds to, and write them as PNG files.

    Args:
        files: pictures and their places below `out`, from `picture_files`.
        out: folder to write into; each file is whole or absent. `crops.json` gets every box.
        folder: a finished run.
        method: see `CropMethod`.
        device: "cpu" or "cuda".
        batch: pictures at once.
        progress: show a bar.

    Returns:
        Picture to its box (left, top, right, bottom), and a message for each that was not read.
    """
    sources = {path.resolve() for path, _ in files}
    for _, place in files:
        if (out / place).resolve() in sources:
            raise InputError(f"{out / place} would be overwritten by its crop; name another folder")
    network, recipe, *_ = load_network(Path(folder), device)
    assert network.encoder is not None
    boxes: dict[str, list[int]] = {}
    problems: list[str] = []
    with tqdm(total=len(files), unit="picture", disable=not progress) as bar:
        for start in range(0, len(files), batch):
            some = files[start : start + batch]
            read: list[tuple[Path, Path, np.ndarray]] = []
            for path, place in some:
                try:
                    read.append((path, place, read_image(path)))
                except InputError as error:  # one bad file does not cost the others
                    problems.append(str(error))
            pictures = [picture for _, _, picture in read]
            found = crop_boxes(network.encoder, pictures, recipe.input_size, method, batch, device)
            for (path, place, picture), box in zip(read, found):
                left, top, right, bottom = (int(side) for side in box)
                with atomic_path(out / place) as temporary:
                    Image.fromarray(picture[top:bottom, left:right]).save(temporary, format="PNG")
                boxes[str(path)] = [left, top, right, bottom]
            bar.update(len(some))
    write_json(out / "crops.json", boxes)
    return boxes, problems
