"""The command line: `imet --help`."""

from __future__ import annotations

import dataclasses
import errno
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer

from imet.io import InputError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data = typer.Typer(
    help="Collections in Kaggle's layout: facts, split, check, simulate.", no_args_is_help=True
)
app.add_typer(data, name="data")


@app.callback()
def prepare() -> None:
    """Multi-label classification of Metropolitan Museum artworks, reproducibly."""
    for stream in (sys.stdout, sys.stderr):  # letters that the encoding lacks, as \\uXXXX
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def main() -> None:
    """The command `imet`: output that cannot be written is an error, too."""
    try:
        app()
    finally:
        try:
            sys.stdout.flush()
        except OSError as error:  # a full disk behind a redirection
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
            if error.errno != errno.EPIPE:
                print(f"imet: the output cannot be written ({error.strerror})", file=sys.stderr)
                sys.exit(2)


Root = Annotated[Path, typer.Argument(help="Folder with train.csv, labels.csv and train/<id>.png.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ProfileName = Annotated[str, typer.Option(help="sample, tiny, small or kaggle.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]


UNWRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT)
WRITABLE = "; make room there or name another folder (runs, features and data: IMET_HOME)"


@contextmanager
def clear_errors() -> Iterator[None]:
    """Bad input ends with its message and exit code 2, not with a traceback."""
    try:
        yield
    except (InputError, OSError, ArithmeticError) as error:  # a full disk, diverged training
        remedy = WRITABLE if getattr(error, "errno", None) in UNWRITABLE else ""
        typer.secho(f"imet: {error}{remedy}", fg=typer.colors.RED, err=True)
        raise typer.Exit(2) from error


download = typer.Typer(help="Fetch a collection of photographs.", no_args_is_help=True)
data.add_typer(download, name="download")


@data.command("facts")
def summarise(root: Root, as_json: Json = False) -> None:
    """Print the facts of a collection: rows, labels, rare labels, split sizes, counts."""
    from imet.data.summary import format_summary
    from imet.data.summary import summarise as find

    with clear_errors():
        summary = find(root)
        typer.echo(json.dumps(summary, indent=2) if as_json else format_summary(summary))


@data.command()
def split(
    root: Root,
    out: Annotated[Path, typer.Option(help="The CSV file to write: id,split in file order.")],
) -> None:
    """Write the documents' split: train, val, test or dropped for every work."""
    from imet.data.split import PARTS, write_split

    with clear_errors():
        split_rows = write_split(root, out)
        sizes = ", ".join(f"{name} {len(split_rows.rows(name)):,}" for name in (*PARTS, "dropped"))
        typer.echo(f"{out}: {sizes}")


@data.command()
def check(
    root: Root,
    images: Annotated[bool, typer.Option(help="Open every picture too.")] = True,
) -> None:
    """Print every problem of a folder with file, row and remedy; exit code 1 if there is one."""
    from imet.data.check import check as find

    with clear_errors():
        problems = find(root, images=images, progress=sys.stderr.isatty())
    _report(root, problems)


def _report(root: Path, problems: Sequence[object]) -> None:
    """Print the problems of a folder and end the command."""
    for problem in problems:
        typer.echo(str(problem))
    typer.echo(f"{root}: {len(problems)} problem{'s' * (len(problems) != 1)}", err=True)
    raise typer.Exit(1 if problems else 0)


@data.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder to make, in Kaggle's layout.")],
    works: Annotated[int, typer.Option(help="How many works to draw.", min=1)] = 1600,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal pictures.")] = 0,
    labels_from: Annotated[
        Path | None, typer.Option(help="Illustrate this folder's label table instead.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes; all cores by default.", min=1)
    ] = None,
) -> None:
    """Draw a simulated collection; an interrupted one goes on where it stopped."""
    from imet.data.source import simulate as draw

    with clear_errors():
        draw(out, works=works, seed=seed, labels_from=labels_from, workers=workers)
        typer.echo(f"{out}: {works:,} works")


@download.command()
def met(
    out: Annotated[Path, typer.Argument(help="Folder to make, in Kaggle's layout.")],
    works: Annotated[int, typer.Option(help="How many works to fetch.", min=1)] = 2000,
    seed: Annotated[int, typer.Option(help="Equal seeds choose equal works.")] = 0,
    ids: Annotated[
        Path | None, typer.Option(help="Fetch the object numbers of this list instead.")
    ] = None,
    pause: Annotated[float, typer.Option(help="Seconds between requests.", min=0)] = 1.0,
) -> None:
    """Fetch public-domain works of the Metropolitan Museum; an interrupted download goes on."""
    from imet.download.met import download as fetch
    from imet.download.met import read_ids, read_labels
    from imet.download.polite import Polite

    with clear_errors():
        numbers = read_ids(ids) if ids else None
        labels = read_labels(ids) if ids else None
        skipped = fetch(
            out, works=works, seed=seed, ids=numbers, labels=labels, polite=Polite(pause)
        )
    for reason, count in skipped.items():
        typer.echo(f"passed over: {count:,}, {reason}", err=True)
    typer.echo(f"{out}: make book DATA={out}, or imet data check {out}")


@download.command()
def kaggle(
    out: Annotated[Path, typer.Argument(help="A new folder; gets Kaggle's layout.")],
) -> None:
    """Fetch the iMet Collection 2019 and check it; needs an account that accepted its rules."""
    from imet.download.kaggle import download as fetch

    with clear_errors():
        problems = fetch(out, progress=sys.stderr.isatty())
    _report(out, problems)


@data.command()
def sheets(
    out: Annotated[Path, typer.Argument(help="Folder for the contact sheets and their index.")],
) -> None:
    """Draw contact sheets of the simulated collection: one for each culture and each tag."""
    from imet.data.source import contact_sheets as draw

    with clear_errors():
        typer.echo(draw(out) / "index.html")


@app.command()
def run(
    recipe: Annotated[
        str, typer.Argument(help="A recipe; `imet recipes` lists them. None with --all.")
    ] = "",
    profile: ProfileName = "sample",
    folder: Annotated[
        Path | None, typer.Option("--data", help="Any folder in Kaggle's layout to train on.")
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a recipe field.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Initial weights, order of works, dropout.")] = 0,
    device: Device = "auto",
    every: Annotated[
        bool, typer.Option("--all", help="Train every run that the book's chapters show.")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="Say how far those runs are.")] = False,
    hours: Annotated[float, typer.Option(help="With --all: refuse what takes longer.", min=0)] = 0,
    devices: Annotated[int, typer.Option(help="GPUs of each machine to use.", min=1)] = 1,
    nodes: Annotated[int, typer.Option("--num-nodes", help="Machines.", min=1)] = 1,
    cache_views: Annotated[
        bool, typer.Option(help="Decode pictures once, for few processors and a large disk.")
    ] = False,
) -> None:
    """Train a recipe, or load the run with the same key; print its metrics and its folder."""
    from imet.runs import run as make

    logging.basicConfig(level="WARNING", format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    first = int(os.environ.get("RANK") or os.environ.get("LOCAL_RANK") or 0) == 0
    logging.getLogger("imet").setLevel("INFO" if first else "WARNING")
    machines: dict[str, Any] = {"devices": devices, "nodes": nodes, "cache_views": cache_views}
    with clear_errors():
        if bool(recipe) == (every or listed) or ((every or listed) and (folder or changes)):
            raise InputError("name a recipe, or take --all or --list without --data and --set")
        if every or listed:
            from imet.report.chapters import states, train_all

            if listed:
                typer.echo("\n".join(map(str, states(profile, seed))))
            else:
                train_all(profile, seed, device, hours, **machines)
            return
        overrides = dict(_key_value(change) for change in changes or [])
        finished = make(
            recipe, profile, seed=seed, device=device, data=folder, overrides=overrides, **machines
        )
    if not first:  # of several processes
        return
    if set(finished.parts.labels.kinds) - {"culture", "tag"}:
        for kind, of_names in finished.parts.labels.taken_for().items():
            typer.echo(f"taken for {kind}: {', '.join(of_names) or 'none'}")
    for part in ("val", "test"):
        metrics = finished.metrics[part]
        for name in ("f2", "f1", "precision", "recall"):
            m = metrics[name]
            typer.echo(f"{part:5}{name:10}{m['value']:.4f}  [{m['low']:.4f}, {m['high']:.4f}]")
        typer.echo(f"{part:5}{'floor f2':10}{metrics['floor']['f2']['value']:.4f}")
    typer.echo(f"{finished.rule.describe()}, best epoch {finished.metrics['best_epoch']}")
    typer.echo(finished.folder)


@app.command()
def plan(
    names: Annotated[
        list[str] | None, typer.Argument(help="Recipes; all that the chapters show without one.")
    ] = None,
    profile: ProfileName = "kaggle",
    device: Annotated[
        str, typer.Option(help="auto, cpu, cuda, or a GPU that is not here: T4, V100, A100, H100.")
    ] = "auto",
    devices: Annotated[int, typer.Option(help="GPUs that share each batch.", min=1)] = 1,
    as_json: Json = False,
) -> None:
    """Print what runs need before anything starts: views, operations, hours, disk and memory."""
    from imet import plan as plans
    from imet.config import get_profile, resolve
    from imet.devices import resolve_device
    from imet.report.chapters import Shown, shown_runs

    with clear_errors():
        here = device if device in plans.RATES else resolve_device(device)
        shown = [Shown(name, profile, {}) for name in names or []] or shown_runs(profile)
        pairs: dict[Any, list[Any]] = {}
        for each in shown:
            changes = dict(each.overrides)
            if (as_is := resolve(each.recipe, each.profile, changes)) in pairs:
                continue  # two chapters name the same run in two ways
            pairs[as_is] = []
            for mode in ("fresh", "fixed"):
                recipe = dataclasses.replace(as_is, view_mode=mode)
                sizes, source = plans.sizes_of(get_profile(each.profile), recipe)
                cost = plans.cost(recipe, sizes, here, devices)
                pairs[as_is].append(dataclasses.replace(cost, recipe=str(each)))
        costs = [(fresh, fixed if fixed.stored else None) for fresh, fixed in pairs.values()]
    if as_json:
        rows = [[cost and dataclasses.asdict(cost) for cost in pair] for pair in costs]
        typer.echo(json.dumps(rows, indent=2))
        return
    typer.echo("\n".join(plans.table(costs)))
    rate = "estimated, measured on none" if device in plans.RATES else "measured just now"
    typer.echo(f"works {source}; rates of {here} {rate}; {devices} of them")
    typer.echo(f"in all {sum(fresh.hours for fresh, _ in costs):,.1f} hours with fresh views")


def _key_value(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign:
        raise InputError(f"--set {text}: write it as KEY=VALUE")
    return key.strip(), value.strip()


@app.command()
def recipes(
    recipe: Annotated[str | None, typer.Argument(help="One recipe; all without it.")] = None,
    profile: ProfileName = "sample",
    as_json: Json = False,
) -> None:
    """Print the resolved configuration of one or all recipes on a profile."""
    from imet.config import recipe_names, resolve

    with clear_errors():
        names = [recipe] if recipe else recipe_names()
        resolved = {name: dataclasses.asdict(resolve(name, profile)) for name in names}
    if as_json:
        typer.echo(json.dumps(resolved[recipe] if recipe else resolved, indent=2))
        return
    for name, values in resolved.items():
        typer.secho(name, bold=True)
        for key, value in values.items():
            typer.echo(f"  {key:22}{value}")


@app.command()
def predict(
    images: Annotated[list[Path], typer.Argument(help="Pictures of any kind, or folders of them.")],
    run_folder: Annotated[Path, typer.Option("--run", help="A run's folder.")],
    top: Annotated[int, typer.Option(help="Labels to print at least, best first.", min=0)] = 5,
    submission: Annotated[
        Path | None, typer.Option(help="Write the competition's table of them instead.")
    ] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Label pictures with a finished run: labels over its threshold, with scores."""
    from imet.devices import resolve_device
    from imet.predict import label_pictures, write_submission

    with clear_errors():
        if submission:
            count = write_submission(images, run_folder, submission, resolve_device(device))
            typer.echo(f"{submission}: {count:,} works")
            return
        predictions, problems = label_pictures(images, run_folder, device=resolve_device(device))
    for problem in problems:
        typer.secho(f"imet: {problem}", fg=typer.colors.RED, err=True)
    if as_json:
        typer.echo(json.dumps(predictions, indent=2, ensure_ascii=False))
    for picture in [] if as_json else predictions:
        typer.secho(picture["image"], bold=True)
        for rank, label in enumerate(picture["labels"]):
            if label["predicted"] or rank < top:
                mark = "*" if label["predicted"] else " "
                typer.echo(f"  {mark} {label['score']:.3f}  {label['name']}")
    if problems:
        raise typer.Exit(2)


@app.command()
def crop(
    images: Annotated[list[Path], typer.Argument(help="Pictures, or folders of them.")],
    run_folder: Annotated[Path, typer.Option("--run", help="A run's folder.")],
    out: Annotated[Path, typer.Option(help="Folder for the crops, as PNG, and crops.json.")],
    layers: Annotated[int, typer.Option(help="How many first layers to look at.", min=1)] = 8,
    reading: Annotated[
        str, typer.Option(help="Layers are: convolutions, or modules of any kind.")
    ] = "convolutions",
    device: Device = "auto",
) -> None:
    """Cut pictures to what the first layers of a run's network respond to."""
    from imet.crop import CropMethod, crop_pictures, picture_files
    from imet.devices import resolve_device

    with clear_errors():
        if reading not in ("convolutions", "modules"):
            raise InputError(f"--reading {reading}: convolutions or modules")
        method = CropMethod(layers=layers, reading=reading)  # type: ignore[arg-type]
        boxes, problems = crop_pictures(
            picture_files(images, out), out, run_folder, method, resolve_device(device),
            progress=sys.stderr.isatty(),
        )  # fmt: skip
    for problem in problems:
        typer.secho(f"imet: {problem}", fg=typer.colors.RED, err=True)
    typer.echo(f"{out}: {len(boxes):,} picture{'s' * (len(boxes) != 1)} cropped")
    raise typer.Exit(2 if problems else 0)


@app.command()
def results(profile: ProfileName = "sample", as_json: Json = False) -> None:
    """Print every reported number beside ours, with run, seed, device and commit."""
    from imet.report.reported import reported_beside_ours

    with clear_errors():
        rows = reported_beside_ours(profile)
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    typer.echo(
        f"{'reported':44}{'value':>10}  {'ours (' + profile + ')':28}run, seed, device, commit"
    )
    for row in rows:
        typer.echo(f"{row['key']:44}{row['reported']:>10}  {_ours(row)}")


def _ours(row: dict[str, Any]) -> str:
    if row["ours"] is None:
        return "–"
    interval = f" [{row['low']:.3f}, {row['high']:.3f}]" if row["low"] is not None else ""
    source = f"{row['run']}, {row['seed']}, {row['device']}, {row['commit']}"
    return f"{row['ours']:.3f}{interval}".ljust(28) + source


if __name__ == "__main__":
    main()
