"""Every problem of a collection's folder in one go: rows by `tables`, files by `images`."""

from __future__ import annotations

from pathlib import Path

from joblib import Parallel, delayed
from tqdm import tqdm

from imet.data.boxes import scan_boxes
from imet.data.images import read_image
from imet.data.layout import misplaced, picture_path
from imet.data.tables import INVISIBLE, Problem, grouped, id_faults, read_columns, scan_tables
from imet.io import InputError


def check(root: Path | str, *, images: bool = True) -> list[Problem]:
    """List every problem of a folder in Kaggle's layout, without stopping at the first.

    Problems of `labels.csv` come first, then those of `train.csv`, of `boxes.csv` if there is one
    and, with `images`, of the pictures, which are all decoded; each in row order, and those of many
    rows as one. The list is empty if the folder is sound.
    """
    root = Path(root)
    if not root.is_dir():
        return [Problem(root, None, "the folder is missing", "name a folder in Kaggle's layout")]
    collection, problems = scan_tables(root)
    if len(collection) and (root / "boxes.csv").exists():
        problems += scan_boxes(collection, images)[1]
    if images:
        problems += _picture_problems(root)
    return problems


def _picture_problems(root: Path) -> list[Problem]:
    """Problems of the pictures of all rows that name one, rows with other faults included."""
    rows, _ = read_columns(root / "train.csv", ("id", "attribute_ids"))
    works: dict[str, int] = {}
    for line, (name, _) in rows:
        work = name.strip(INVISIBLE)
        if not id_faults(work, {}):
            works.setdefault(work, line)
    folder = root / "train"
    if works and not folder.is_dir() and not any(picture_path(root, w).exists() for w in works):
        message = "the folder of pictures is missing"
        remedy = f"put the {len(works)} pictures there"
        if elsewhere := misplaced(root, "train"):
            message, remedy = f"{message}, but {elsewhere[0]}", elsewhere[1]
        return [Problem(folder, None, message, remedy)]
    threads = Parallel(-1, prefer="threads", return_as="generator")
    problems = threads(delayed(_picture_problem)(root, *work) for work in works.items())
    shown = tqdm(problems, total=len(works), desc="pictures", unit="", disable=None)
    return grouped([problem for problem in shown if problem is not None])


def _picture_problem(root: Path, work: str, line: int) -> Problem | None:
    path = picture_path(root, work)
    try:
        read_image(path)
    except InputError as error:
        message, _, remedy = str(error).removeprefix(f"{path}: ").rpartition("; ")
        return Problem(path, None, f"{message} (row {line} of train.csv)", remedy)
    return None
