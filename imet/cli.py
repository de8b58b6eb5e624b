"""The command line: `imet --help`."""

from __future__ import annotations

import dataclasses
import errno
import json
import logging
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer import Argument, Option
from typer.core import TyperGroup

from imet.io import REPO, InputError

UNWRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT)
WRITABLE = "; make room there or name another folder (runs, features and data: IMET_HOME)"


class Commands(TyperGroup):
    """Bad input ends any command with its message and exit code 2, not with a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except (InputError, OSError, ArithmeticError) as error:  # a full disk, diverged training
            number = getattr(error, "errno", None)
            if number == errno.EPIPE:  # the reader of our output went away
                raise
            _end([f"{error}{WRITABLE if number in UNWRITABLE else ''}"])


def _end(faults: Sequence[str]) -> None:
    """End the command: what went wrong is said in red, and the exit code is 2 if anything did."""
    for fault in faults:
        typer.secho(f"imet: {fault}", fg=typer.colors.RED, err=True)
    raise typer.Exit(2 if faults else 0)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data = typer.Typer(
    help="Collections in Kaggle's layout: facts, split, check, simulate.", no_args_is_help=True
)
download = typer.Typer(help="Fetch a collection of photographs.", no_args_is_help=True)
app.add_typer(data, name="data")
data.add_typer(download, name="download")


@app.callback()
def prepare() -> None:
    """Multi-label classification of Metropolitan Museum artworks, reproducibly."""
    for stream in (sys.stdout, sys.stderr):  # letters that the encoding lacks, as \\uXXXX
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def main() -> None:
    """The command `imet`: output that cannot be written is an error, too."""
    _require_own_code(Path(sys.argv[0]).absolute())
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


def _require_own_code(script: Path) -> None:
    """End the program if `script`, in the copy of a checkout with its .venv, runs other code."""
    checkout = script.parents[min(2, len(script.parents) - 1)].resolve()  # of .venv/bin/imet
    if (checkout / "imet" / "cli.py").is_file() and not REPO.is_relative_to(checkout):
        print(
            f"imet: {script} would run the code of {REPO}; run `make env` in {checkout} first",
            file=sys.stderr,
        )
        sys.exit(2)


Root = Annotated[Path, Argument(help="Folder with train.csv, labels.csv and train/<id>.png.")]
Json = Annotated[bool, Option("--json", help="Print JSON.")]
ProfileName = Annotated[str, Option(help="sample, met, small, kaggle, stored, tiny, or your own.")]
Device = Annotated[str, Option(help="auto, cpu or cuda.")]
Chapters = Annotated[str, Option(help="Only these chapters, as in '03 05'.")]
NewFolder = Annotated[Path, Argument(help="Folder to make, in Kaggle's layout.")]
RunFolder = Annotated[Path, Option("--run", help="A run's folder.")]


@data.command()
def facts(root: Root, as_json: Json = False) -> None:
    """Print the facts of a collection: rows, labels, rare labels, split sizes, counts."""
    from imet.data.summary import format_summary, summarise

    summary = summarise(root)
    typer.echo(json.dumps(summary, indent=2) if as_json else format_summary(summary))


@data.command()
def split(
    root: Root,
    out: Annotated[Path, Option(help="The CSV file to write: id,split in file order.")],
) -> None:
    """Write the documents' split: train, val, test or dropped for every work."""
    from imet.data.split import PARTS, write_split

    split_rows = write_split(root, out)
    sizes = ", ".join(f"{name} {len(split_rows.rows(name)):,}" for name in (*PARTS, "dropped"))
    typer.echo(f"{out}: {sizes}")


@data.command()
def check(
    root: Root, images: Annotated[bool, Option(help="Open every picture too.")] = True
) -> None:
    """Print every problem of a folder with file, row and remedy; exit code 1 if there is one."""
    from imet.data.check import check as find

    _report(root, find(root, images=images))


def _report(root: Path, problems: Sequence[object]) -> None:
    """Print the problems of a folder and end the command."""
    for problem in problems:
        typer.echo(problem)
    typer.echo(f"{root}: {len(problems)} problem{'s' * (len(problems) != 1)}", err=True)
    raise typer.Exit(1 if problems else 0)


@data.command()
def simulate(
    out: NewFolder,
    works: Annotated[int, Option(help="How many works to draw.", min=1)] = 1600,
    seed: Annotated[int, Option(help="Equal seeds give equal pictures.")] = 0,
    labels_from: Annotated[Path | None, Option(help="Draw works for this folder's table.")] = None,
    workers: Annotated[int | None, Option(help="Processes; all cores by default.", min=1)] = None,
) -> None:
    """Draw a simulated collection; the same call resumes an interrupted one."""
    from imet.data.source import simulate as draw

    draw(out, works=works, seed=seed, labels_from=labels_from, workers=workers)
    typer.echo(f"{out}: {works:,} works")


@download.command()
def met(
    out: NewFolder,
    works: Annotated[int, Option(help="How many works to fetch.", min=1)] = 2000,
    seed: Annotated[int, Option(help="Equal seeds choose equal works.")] = 0,
    ids: Annotated[Path | None, Option(help="Fetch the objects that this file lists.")] = None,
    pause: Annotated[float, Option(help="Seconds between requests.", min=0)] = 1.0,
) -> None:
    """Fetch public-domain works of the Metropolitan Museum; the same call resumes."""
    from imet.download.met import download as fetch
    from imet.download.met import read_ids, read_labels
    from imet.download.polite import Polite

    listed: dict[str, Any] = {"ids": read_ids(ids), "labels": read_labels(ids)} if ids else {}
    skipped = fetch(out, works=works, seed=seed, polite=Polite(pause), **listed)
    for reason, count in skipped.items():
        typer.echo(f"passed over: {count:,}, {reason}", err=True)
    typer.echo(f"{out}: make book DATA={out}, or imet data check {out}")


@download.command()
def kaggle(out: NewFolder) -> None:
    """Fetch the iMet Collection 2019 and check it; needs an account that accepted its rules."""
    from imet.download.kaggle import download as fetch

    _report(out, fetch(out, progress=sys.stderr.isatty()))


@data.command()
def sheets(
    out: Annotated[Path, Argument(help="Folder for the contact sheets and their index.")],
) -> None:
    """Draw contact sheets of the simulated collection: one for each culture and each tag."""
    from imet.data.source import contact_sheets as draw

    typer.echo(draw(out) / "index.html")


@app.command()
def run(
    recipe: Annotated[str, Argument(help="A name of `imet recipes`; none with --all.")] = "",
    profile: ProfileName = "sample",
    folder: Annotated[Path | None, Option("--data", help="A folder to train on.")] = None,
    changes: Annotated[
        list[str] | None, Option("--set", metavar="KEY=VALUE", help="Change a recipe field.")
    ] = None,
    seed: Annotated[int, Option(help="Seed of weights, order of works, dropout.")] = 0,
    device: Device = "auto",
    every: Annotated[bool, Option("--all", help="Train every run that chapters show.")] = False,
    listed: Annotated[bool, Option("--list", help="Show how far those runs are.")] = False,
    chapters: Chapters = "",
    hours: Annotated[float, Option(help="With --all: refuse a plan that takes longer.", min=0)] = 0,
    devices: Annotated[int, Option(help="GPUs of each machine to use.", min=1)] = 1,
    nodes: Annotated[int, Option("--num-nodes", help="Number of machines.", min=1)] = 1,
    cache_views: Annotated[
        bool, Option(help="Decode pictures once, for few processors and a large disk.")
    ] = False,
) -> None:
    """Train a recipe, or load the run with the same key; print its metrics and its folder."""
    from imet import runs
    from imet.report.chapters import states, train_all

    logging.basicConfig(level="WARNING", format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    first = int(os.environ.get("RANK") or os.environ.get("LOCAL_RANK") or 0) == 0
    logging.getLogger("imet").setLevel("INFO" if first else "WARNING")
    machines: dict[str, Any] = {"devices": devices, "nodes": nodes, "cache_views": cache_views}
    if bool(recipe) == (every or listed) or (not recipe and (folder or changes)):
        raise InputError("name a recipe, or take --all or --list without --data and --set")
    if listed:
        typer.echo("\n".join(map(str, states(profile, seed, chapters))))
    elif every:
        train_all(profile, seed, device, hours, chapters, **machines)
    else:
        settings: dict[str, Any] = {"seed": seed, "device": device, "data": folder}
        overrides = dict(_key_value(change) for change in changes or [])
        finished = runs.run(recipe, profile, overrides=overrides, **settings, **machines)
        if first:  # of several processes
            _print_metrics(finished)


def _key_value(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign:
        raise InputError(f"--set {text}: write it as KEY=VALUE")
    return key.strip(), value.strip()


def _print_metrics(run: Any) -> None:
    if set(run.parts.labels.kinds) - {"culture", "tag"}:
        for kind, in_names in run.parts.labels.taken_for().items():
            said = [name or "names without a kind" for name in in_names]
            typer.echo(f"taken for {kind}: {', '.join(said) or 'none'}")
    for part in ("val", "test"):
        metrics = run.metrics[part]
        for name in ("f2", "f1", "precision", "recall"):
            m = metrics[name]
            typer.echo(f"{part:5}{name:10}{m['value']:.4f}  [{m['low']:.4f}, {m['high']:.4f}]")
        typer.echo(f"{part:5}{'floor f2':10}{metrics['floor']['f2']['value']:.4f}")
    typer.echo(f"{run.rule.describe()}, best epoch {run.metrics['best_epoch']}")
    typer.echo(run.folder)


@app.command()
def plan(
    names: Annotated[list[str] | None, Argument(help="Recipes; the chapters' by default.")] = None,
    profile: ProfileName = "kaggle",
    device: Annotated[
        str, Option(help="auto, cpu, cuda, or a GPU that you do not have: T4, V100, A100, H100.")
    ] = "auto",
    devices: Annotated[int, Option(help="GPUs that share each batch.", min=1)] = 1,
    chapters: Chapters = "",
    as_json: Json = False,
) -> None:
    """Print what runs need before anything starts: views, operations, hours, disk and memory."""
    from imet import plan as plans
    from imet.config import Recipe, get_profile, resolve
    from imet.devices import resolve_device
    from imet.report.chapters import Shown, shown_runs

    here = device if device in plans.RATES else resolve_device(device)
    shown: dict[Recipe, Shown] = {}
    named_alone = [Shown(name, profile, {}) for name in names or []]
    for each in named_alone or shown_runs(profile, chapters=chapters):
        # Two chapters may name the same run in two ways.
        shown.setdefault(resolve(each.recipe, each.profile, each.overrides), each)
    costs, chosen = [], []
    for recipe, each in shown.items():
        sizes, source = plans.sizes_of(get_profile(each.profile), recipe)
        named = dataclasses.replace(recipe, name=str(each))
        fresh, fixed = (
            plans.cost(dataclasses.replace(named, view_mode=mode), sizes, here, devices)
            for mode in ("fresh", "fixed")
        )
        costs.append((fresh, fixed if fixed.stored else None))
        chosen.append(fixed if recipe.view_mode == "fixed" else fresh)
    if as_json:
        rows = [[cost and dataclasses.asdict(cost) for cost in pair] for pair in costs]
        typer.echo(json.dumps(rows, indent=2))
        return
    typer.echo("\n".join(plans.table(costs)))
    rate = "estimated, measured on none" if device in plans.RATES else "measured just now"
    typer.echo(f"works {source}; rates of {here} {rate}; {devices} of them")
    total, room = sum(each.hours for each in chosen), plans.disk(chosen) / 1e9
    typer.echo(f"in all {total:,.1f} hours and {room:,.1f} GB of disk, views as in {profile}")


@app.command()
def recipes(
    recipe: Annotated[str | None, Argument(help="One recipe; all by default.")] = None,
    profile: ProfileName = "sample",
    as_json: Json = False,
) -> None:
    """Print the resolved configuration of one or all recipes on a profile."""
    from imet.config import recipe_names, resolve

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
    images: Annotated[list[Path], Argument(help="Pictures of any kind, or folders of them.")],
    run_folder: RunFolder,
    top: Annotated[int, Option(help="Print at least this many labels, best first.", min=0)] = 5,
    submission: Annotated[Path | None, Option(help="Write the competition's table.")] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Label pictures with a finished run: labels over its threshold, with scores."""
    from imet.predict import label_pictures, write_submission

    if submission:
        count = write_submission(images, run_folder, submission, device)
        typer.echo(f"{submission}: {count:,} works")
        return
    predictions, problems = label_pictures(images, run_folder, device)
    if as_json:
        typer.echo(json.dumps(predictions, indent=2, ensure_ascii=False))
    for picture in [] if as_json else predictions:
        typer.secho(picture["image"], bold=True)
        for rank, label in enumerate(picture["labels"]):
            if label["predicted"] or rank < top:
                mark = "*" if label["predicted"] else " "
                typer.echo(f"  {mark} {label['score']:.3f}  {label['name']}")
    _end(problems)


@app.command()
def crop(
    images: Annotated[list[Path], Argument(help="Pictures, or folders of them.")],
    run_folder: RunFolder,
    out: Annotated[Path, Option(help="Folder for the crops, as PNG, and crops.json.")],
    layers: Annotated[int, Option(help="How many of the first layers to look at.", min=1)] = 8,
    reading: Annotated[
        Literal["convolutions", "modules"],
        Option(help="Count convolutions only, or modules of any kind."),
    ] = "convolutions",
    device: Device = "auto",
) -> None:
    """Cut pictures to what the first layers of a run's network respond to."""
    from imet.crop import CropMethod, crop_pictures, picture_files
    from imet.devices import resolve_device

    method = CropMethod(layers=layers, reading=reading)
    files, here = picture_files(images, out), resolve_device(device)
    boxes, problems = crop_pictures(files, out, run_folder, method, here)
    typer.echo(f"{out}: {len(boxes):,} picture{'s' * (len(boxes) != 1)} cropped")
    _end(problems)


@app.command()
def results(profile: ProfileName = "sample", as_json: Json = False) -> None:
    """Print every reported number beside ours, with run, seed, device and commit."""
    from imet.report.reported import reported_beside_ours

    rows = reported_beside_ours(profile)
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    ours = f"ours ({profile})"
    typer.echo(f"{'reported':44}{'value':>10}  {ours:28}run, seed, device, commit")
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
