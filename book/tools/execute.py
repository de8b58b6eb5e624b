"""Execute one py:percent notebook into one .ipynb, atomically.

    python book/tools/execute.py notebooks/03_baseline.py --out DIR/03_baseline.ipynb \
        -p profile=tiny -p seed=0 -p device=cpu

The steps: jupytext turns the script into a notebook; every given parameter must be declared in the
cell tagged `parameters`; papermill executes in a kernel of *this* Python; a finisher removes what
a reader should not see; the file moves into place at the very end. A failure or an interruption
ends with a nonzero exit code and no output file.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import re
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jupytext
import kernels
import nbformat
from own_code import require_own_code
from PIL import Image

from imet.io import REPO, InputError, atomic_path, file_lock, home

KERNEL = "imet-book"
STYLED = re.compile(r'(<table id="T_\w+")(>)')
CELL = re.compile(r"<td(?P<attributes>[^>]*)>(?P<text>[^<]*)</td>")
HYPHEN = re.compile(r"(?<![\w.-])-(?=\.?\d)")
# A number, with its sign, unit and interval; or the dash that stands for a missing one.
NUMBER = re.compile(
    r"[+\u2212]?\.?\d[\d.,]*(e[+\u2212-]?\d+)?([ \u00a0]?%)?(\s*\[[^\]]*\])?|\u2013"
)
CAPTION = re.compile(
    r"```\{caption\} (?P<name>\S+)\n:alt: (?P<alt>(?:.+\n)(?:  .+\n)*)(?P<caption>(?:.+\n)+)```"
)
LARGE = 600_000  # bytes of a figure
HIDDEN_TAGS = {"parameters", "injected-parameters"}
# One place for the look of inline figures, so that no notebook carries boilerplate: twice the
# pixels for sharp screens, and no cropping that would make neighbouring figures differ in width.
KERNEL_CONFIG = """\
c = get_config()
c.InlineBackend.figure_formats = {"retina"}
c.InlineBackend.print_figure_kwargs = {"bbox_inches": None}
c.InlineBackend.rc = {}
c.HistoryManager.enabled = False

# Outputs show numbers to four digits, whatever type holds them; tables have formats.
import numpy
from IPython.lib.pretty import for_type, for_type_by_name

def plain(value, printer, cycle):
    printer.text(f"{value:.4g}" if isinstance(value, numpy.floating) else str(value))

def fields(value, printer, cycle):
    with printer.group(len(type(value).__name__) + 1, type(value).__name__ + "(", ")"):
        named = getattr(value, "_asdict", lambda: vars(value))()
        for number, (name, field) in enumerate(named.items()):
            printer.text(", " * bool(number) + name + "=")
            printer.pretty(field)

for kind in set(numpy.sctypeDict.values()):  # each of them, as each has a representation of its own
    if issubclass(kind, (numpy.floating, numpy.integer, numpy.bool_)):
        for_type(kind, plain)
for_type_by_name("imet.statistics", "Interval", fields)
for_type_by_name("imet.thresholds", "GlobalThreshold", fields)
numpy.set_printoptions(precision=4)
c.PlainTextFormatter.float_precision = "%.4g"
"""


def parse_value(text: str) -> Any:
    """Read `0`, `1e-3`, `true`, `null` or a JSON list as such, and anything else as a string."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return {"True": True, "False": False, "None": None}.get(text, text)


def parse_parameters(pairs: list[str]) -> dict[str, Any]:
    """Turn `["seed=0", "device=cpu"]` into `{"seed": 0, "device": "cpu"}`."""
    parameters: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise InputError(f"-p {pair}: write a parameter as name=value")
        parameters[name] = parse_value(value)
    return parameters


def read_notebook(source: Path) -> nbformat.NotebookNode:
    """Read a py:percent script as a notebook with stable cell ids and this tool's kernel."""
    if not source.is_file():
        raise InputError(f"{source}: no such notebook; see the names in notebooks/")
    notebook = attach_captions(jupytext.read(source), source)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # jupytext's are random; a rebuild should be identical
    notebook.metadata["kernelspec"] = {
        "name": KERNEL,
        "display_name": "Python 3",
        "language": "python",
    }
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def attach_captions(notebook: nbformat.NotebookNode, source: Path) -> nbformat.NotebookNode:
    """Turn plotting cells into figures: a Markdown cell below one that holds only a caption block

        ```{caption} fig-name
        :alt: What a reader who cannot see it should know.
        What the figure shows.
        ```

    becomes the figure's name, caption and alt text in the metadata that MyST-NB reads.
    """
    cells: list[nbformat.NotebookNode] = []
    for number, cell in enumerate(notebook.cells):
        block = CAPTION.fullmatch(cell.source.strip()) if cell.cell_type == "markdown" else None
        if block is None:
            cells.append(cell)
            continue
        if not cells or cells[-1].cell_type != "code":
            raise InputError(
                f"{source}, cell {number}: the caption of {block['name']} must stand directly "
                "below the cell that draws the figure"
            )
        caption, alt = (" ".join(block[key].split()) for key in ("caption", "alt"))
        cells[-1].metadata["mystnb"] = {
            "figure": {"name": block["name"], "caption": caption},
            "image": {"alt": alt},
        }
    notebook.cells = cells
    return notebook


def check_parameters(notebook_file: Path, source: Path, given: dict[str, Any]) -> None:
    """Raise where a given parameter is not declared: papermill only logs it and exits with 0."""
    from papermill import inspect_notebook

    declared = set(inspect_notebook(str(notebook_file)))
    unknown = sorted(set(given) - declared)
    if unknown:
        raise InputError(
            f"{source}: no parameter named {', '.join(unknown)}; its cell tagged `parameters` "
            f"declares {', '.join(sorted(declared)) or 'none'}"
        )


def private_kernel(folder: Path) -> dict[str, str]:
    """Write a kernelspec for this Python into `folder`; return the environment that finds it.

    Kernelspecs, IPython profiles and history of the user are neither read nor written.
    """
    spec = folder / "kernels" / KERNEL
    spec.mkdir(parents=True)
    argv = [sys.executable, str(Path(kernels.__file__)), "start"]
    # It ends by an interruption, which it would log as an error; errors of cells are seen anyway.
    argv += ["--log-level=50", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"})
    )
    profile = folder / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_kernel_config.py").write_text(KERNEL_CONFIG)
    return {
        "JUPYTER_PATH": str(folder),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_NO_CONFIG": "1",
        "IPYTHONDIR": str(folder / "ipython"),
        kernels.PROCESSORS: str(folder / "seconds"),
        **kernels.SETTINGS,
    }


def finish(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Remove what is not for readers: papermill's and timing metadata, stderr, parameter cells."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        tags = list(cell.metadata.get("tags", []))
        if HIDDEN_TAGS & set(tags) and "remove-cell" not in tags:
            cell.metadata["tags"] = [*tags, "remove-cell"]
        if "solution" in tags:  # read after one's own attempt, so folded with its output
            cell.metadata["tags"] = [*tags, "hide-cell"]
            cell.metadata["mystnb"] = {
                "code_prompt_show": "Show the code of a solution",
                "code_prompt_hide": "Hide it",
            }
        if cell.cell_type == "code":
            cell["outputs"] = [o for o in cell["outputs"] if o.get("name") != "stderr"]
            for output in cell["outputs"]:
                if output.get("name") == "stdout":
                    output["text"] = HYPHEN.sub("\N{MINUS SIGN}", output["text"])
                table = output.get("data", {}).get("text/html")
                if "image/png" in output.get("data", {}):
                    lighten(output)
                if isinstance(table, str) and "<table" in table:
                    # pandas marks only its plain tables, not its styled ones
                    table = STYLED.sub(r'\1 class="dataframe"\2', table)
                    output["data"]["text/html"] = CELL.sub(typeset, table)
    notebook.metadata["kernelspec"]["name"] = "python3"
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    return notebook


def lighten(output: nbformat.NotebookNode) -> None:
    """Store a large figure, one with pictures, as JPEG in full colour: a quarter of the PNG."""
    picture = base64.b64decode(output["data"]["image/png"])
    if len(picture) < LARGE:
        return
    jpeg = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").save(jpeg, "JPEG", quality=90, subsampling=0)
    del output["data"]["image/png"]
    output["data"]["image/jpeg"] = base64.b64encode(jpeg.getvalue()).decode()
    if size := output["metadata"].pop("image/png", None):
        output["metadata"]["image/jpeg"] = size


def typeset(cell: re.Match[str]) -> str:
    """A table cell with true minus signs; one that holds a number is marked, to be aligned."""
    attributes, text = cell["attributes"], HYPHEN.sub("\N{MINUS SIGN}", cell["text"])
    if NUMBER.fullmatch(text.strip()):
        # an interval stands under its value, and smaller
        text = re.sub(r"\s+(\[.*\])", r'\n<span class="interval">\1</span>', text)
        marked = attributes.replace('class="', 'class="number ', 1)
        attributes = marked if marked != attributes else f'{attributes} class="number"'
    return f"<td{attributes}>{text}</td>"


def execute(source: Path, out: Path, parameters: dict[str, Any], timeout: int | None) -> None:
    """Execute `source` with `parameters` and put the finished notebook at `out`.

    `timeout` is in seconds, for each cell; None sets no limit. A file beside the notebook holds the
    seconds that it took by the clock, and those of all processors.
    """
    began = time.monotonic()
    out.unlink(missing_ok=True)  # an old success must not stand in for a new failure
    with tempfile.TemporaryDirectory(prefix="imet-kernel-") as name:
        folder = Path(name)
        os.environ.update(private_kernel(folder))
        import papermill
        from progress import Build, Speaker

        plain = folder / f"{source.stem}.ipynb"
        nbformat.write(read_notebook(source), plain)
        check_parameters(plain, source, parameters)
        executed = folder / "executed.ipynb"
        with Speaker(source.stem, executed, Build(out.parent.parent)):
            notebook = papermill.execute_notebook(
                str(plain),
                str(executed),
                parameters,
                kernel_name=KERNEL,
                progress_bar=False,
                cwd=str(REPO),
                execution_timeout=timeout,
                start_timeout=300,
            )
        of_fork = Path(os.environ[kernels.PROCESSORS])  # of a kernel that is not our child
        processors = float(of_fork.read_text()) if of_fork.exists() else 0.0
        with atomic_path(out.with_suffix(".times")) as temporary:
            processors += sum(os.times()[:4])  # of this process and its ended children: the kernel
            temporary.write_text(f"{time.monotonic() - began:.1f} {processors:.1f}\n")
        with atomic_path(out) as temporary:  # last, so that a notebook in place is a success
            nbformat.write(finish(notebook), temporary)


def executed_meanwhile(source: Path, out: Path, asked: float) -> bool:
    """Whether another build has executed the chapter since `asked`, with all files as they are now.

    Any change of code, recipes or recordings counts: which of them a chapter needs, Make knows.
    """
    if not out.exists() or (ended := out.stat().st_mtime) < asked:
        return False
    began = ended - float(out.with_suffix(".times").read_text().split()[0])
    files = [source, REPO / "book" / "reported.csv", *out.parent.parent.glob("parameters")]
    for folder in ("imet", "imet_simulation", "results"):
        files += [path for path in (REPO / folder).rglob("*") if "__pycache__" not in path.parts]
    return all(path.stat().st_mtime < began for path in files if path.is_file())


def unfinished_runs(since: float) -> list[str]:
    """A sentence for each unfinished run that began or went on after the time `since`."""
    sentences = []
    for config in sorted((home() / "runs").glob("*/*/config.json")):
        folder = config.parent
        if config.stat().st_mtime < since or (folder / "metrics.json").exists():
            continue
        kept = folder / "last.pt"
        state = f"its checkpoint is {kept}" if kept.exists() else f"{folder} has no checkpoint yet"
        sentences.append(f"{folder.name} was not finished; {state}, and the same command goes on")
    return sentences


def _leave(signum: int, frame: Any) -> None:
    raise SystemExit(128 + signum)  # unwinds: the kernel ends, temporary files go


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", type=Path, help="notebooks/NN_name.py")
    parser.add_argument("--out", type=Path, required=True, help="the .ipynb to make")
    parser.add_argument("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--timeout", type=int, help="seconds a cell may take; no limit without it")
    options = parser.parse_args(arguments)
    # A shell starts background jobs with interrupts ignored; here they must always be heard.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGHUP, _leave)
    began = time.time()
    try:
        return _execute(options)
    finally:
        for sentence in [] if options.out.exists() else unfinished_runs(began):
            print(sentence, file=sys.stderr)


def _execute(options: argparse.Namespace) -> int:
    try:
        require_own_code()
        parameters = parse_parameters(options.parameter)
        out, asked = options.out.absolute(), time.time()
        with file_lock(out):  # two at once would overwrite each other's values
            if not executed_meanwhile(options.source, out, asked):
                execute(options.source, out, parameters, options.timeout)
    except KeyboardInterrupt:
        print(f"{options.source}: interrupted, nothing written", file=sys.stderr)
        return 130
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # a full disk
        print(f"{options.source}: failed, nothing written: {error}", file=sys.stderr)
        return 1
    except Exception as error:
        print(f"{options.source}: failed, nothing written\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
