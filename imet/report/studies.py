"""Longer experiments, recorded in `results/`: more seeds than a build of the book has time for.

    python -m imet.report.studies [NAME …] [--profile sample] [--device auto]
    python -m imet.report.studies --verify [NAME … or NAME:VARIANT …]

Each study is a list of recipes with changes, run with several seeds; its file holds every run's
measures, so that pages can show their spread, and says where they came from.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from imet.config import resolve
from imet.devices import resolve_device
from imet.io import REPO, atomic_path, digest, read_json, write_json
from imet.provenance import changed_files, provenance
from imet.report.comparisons import f2_by_rule, require_same_works
from imet.report.tables import with_interval
from imet.runs import Run, code_key, run
from imet.statistics import simultaneous_intervals
from imet.typing import Array

SEEDS = (0, 1, 2)
MEASURES = ("f2", "f1", "precision", "recall", "auc_macro", "predicted_labels")
RESULTS = REPO / "results"
TOLERANCE = 1e-6
CHOSEN = ("gamma", "gamma_at_edge", "beams", "best_epoch")
Changes = dict[str, dict[str, Any]]
Variants = dict[str, tuple[str, dict[str, Any]]]
PerWork = dict[str, dict[str, Array]]

# The factors of the factorial, the paper's code first.
TRAINED: Changes = {
    "six as coded": {"views": "six", "crop_targets": "as_coded"},
    "six as written": {"views": "six", "crop_targets": "as_written"},
    "six with all labels": {"views": "six", "crop_targets": "all"},
    "the resized view": {"views": "one"},
}
JUDGED: Changes = {"judged on six": {"eval_views": "six"}, "judged on one": {"eval_views": "one"}}
LOSSES: Changes = {"class-weighted": {"loss": "weighted_bce"}, "focal": {"loss": "focal"}}
COLUMNS: Changes = {"labels kept": {"labels": "kept"}, "all labels": {"labels": "all"}}
ENDS: Changes = {
    "the paper's": {"views": "six", "crop_targets": "as_coded"},
    "the poster's": {"views": "one", "loss": "focal", "labels": "all"},
}
NETWORKS: Changes = {
    "frozen": {"frozen": True},
    "fine-tuned": {"frozen": False, "learning_rate": 1e-4},  # heads alone use the profile's
}


def recipes(*names: str) -> Variants:
    """Recipes without changes, by name."""
    return {name: (name, {}) for name in names}


def changed(recipe: str, variants: Changes, **always: Any) -> Variants:
    """One recipe with the changes of each variant, and the changes that all variants share."""
    return {name: (recipe, always | changes) for name, changes in variants.items()}


STUDIES: dict[str, Variants] = {
    # Tables 1 and 2, as written and as coded.
    "baseline_rows": recipes(
        "resnet50", "resnet50_as_coded", "resnet50_hog", "resnet50_hog_as_coded"
    )
    | {"resnet50, as long as with HOG": ("resnet50", {"epochs": 25})},
    "rnn_rows": recipes("attn_cnn_rnn", "attn_cnn_rnn_as_coded"),
    "rnn_hog_rows": recipes("attn_cnn_rnn_hog", "attn_cnn_rnn_hog_as_coded"),
    # Table 1 with the same number of epochs for every row: what is left for the models themselves?
    "equal_length": {
        "baseline": ("resnet50", {"epochs": 25}),
        "ResNet50 + HOG": ("resnet50_hog", {"epochs": 25}),
        "AttnCNN-RNN": ("attn_cnn_rnn", {"epochs": 25}),
        "AttnCNN-RNN + HOG": ("attn_cnn_rnn_hog", {"epochs": 25}),
    },
    # What the authors' crop targets cost, all else equal.
    "crop_targets": changed(
        "resnet50", {t: {"crop_targets": t} for t in ("as_written", "as_coded")}, epochs=15
    ),
    "crop_targets_rnn": changed(
        "attn_cnn_rnn", {t: {"crop_targets": t} for t in ("as_written", "as_coded")}
    ),
    # The paper's future work: which of the two contributes more?
    "recurrence_and_attention": changed(
        "ablation",
        {
            "both": {},
            "recurrence alone": {"attention": False},
            "attention alone": {"recurrent": False},
            "neither": {"attention": False, "recurrent": False},
        },
    ),
    "steps": changed("ablation", {f"T = {t}": {"steps": t} for t in (10, 5, 2, 1)}),
    # Why .533 and .393: everything that can be crossed on one frozen network.
    "factorial": changed(
        "resnet50",
        {
            ", ".join((trained, judged, loss, columns)): (
                TRAINED[trained] | JUDGED[judged] | LOSSES[loss] | COLUMNS[columns]
            )
            for trained, judged, loss, columns in product(TRAINED, JUDGED, LOSSES, COLUMNS)
        },
    ),
    # Fine-tuning and length, at the two ends of the factorial only: on views of 128 pixels.
    "corners": changed(
        "resnet50",
        {
            f"{end}, {network}, {epochs} epochs": {"epochs": epochs} | ENDS[end] | NETWORKS[network]
            for end, network, epochs in product(ENDS, NETWORKS, (4, 12))
        },
        input_size=128,
    ),
    "poster_rows": recipes("vgg16_bn_step10", "vgg16_bn_step15", "vgg16_bn_6000"),
    # What came after both documents, on the same features.
    "later_rows": {
        "the baseline on the resized view": ("resnet50", {"views": "one"}),
        "with asymmetric loss": ("resnet50", {"views": "one", "loss": "asymmetric"}),
        "query decoder, asymmetric loss": ("query_decoder", {}),
    },
    "label_order": changed(
        "ablation",
        {
            "free": {},
            "frequent first": {"label_order": "frequent_first"},
            "rare first": {"label_order": "rare_first"},
        },
    ),
    # As coded, views are averaged as logits: five of six were taught to name nothing.
    "averaged_views": changed(
        "resnet50_as_coded", {how: {"reduce_views": how} for how in ("mean_logits", "mean_scores")}
    ),
    # As coded the frozen network is in training mode: no stored features, so few works.
    "batch_norm": changed(
        "resnet50",
        {"evaluation": {}, "training": {"batch_norm": "training"}},
        max_works=200,
        view_mode="fresh",
        epochs=5,
    ),
}
"""Study to variant to recipe and changes; the others are compared with the first variant."""
TITLES = {
    "recurrence_and_attention": "recurrence and attention",
    "label_order": "order of labels",
    "steps": "number of steps",
    "baseline_rows": "rows of the tables, one pass",
    "rnn_rows": "rows of the tables, AttnCNN-RNN",
    "rnn_hog_rows": "rows of the tables, AttnCNN-RNN + HOG",
    "crop_targets": "crop targets, baseline",
    "crop_targets_rnn": "crop targets, AttnCNN-RNN",
    "batch_norm": "batch norm, few works",
}
"""What studies of the paper are called in tables."""


def study(name: str, profile: str, device: str) -> tuple[dict[str, Any], PerWork]:
    """Run every variant of a study with every seed.

    Returns:
        For each variant: the value of each measure on val and test for every seed, with their mean
        and range; the epoch, γ and K that each seed chose; test F2 under every rule, each tuned on
        validation; and, for all but the first variant, the paired difference in test F2 from the
        first, each work's F2 averaged over seeds. The intervals of a study's differences under one
        rule hold all at once.
        Also test F2 of every work, averaged over seeds: variant to rule to (N,).
    """
    variants: dict[str, Any] = {}
    per_work: dict[str, dict[str, Array]] = {}
    reference: Run | None = None
    for variant, (recipe, changes) in STUDIES[name].items():
        changes = full_length(recipe, profile) | changes
        runs = [run(recipe, profile, seed=s, device=device, overrides=changes) for s in SEEDS]
        reference = reference or runs[0]
        for each in runs:
            require_same_works(each, reference)
        f2 = [f2_by_rule(each) for each in runs]
        per_work[variant] = {r: np.mean([seed[r] for seed in f2], axis=0) for r in f2[0]}
        variants[variant] = {
            "recipe": recipe,
            "changes": changes,
            "code": code_key(),
            "collection": digest(read_json(runs[0].folder / "key.json")["data"]),
            "works": runs[0].metrics["works"],
            **{
                part: {m: spread([_value(r.metrics[part][m]) for r in runs]) for m in MEASURES}
                for part in ("val", "test")
            },
            **{key: [r.metrics[key] for r in runs] for key in CHOSEN if key in runs[0].metrics},
            "rules": {r: spread([float(seed[r].mean()) for seed in f2]) for r in f2[0]},
        }
    first, *others = per_work
    for rule in per_work[first] if others else ():
        differences = np.stack([per_work[v][rule] - per_work[first][rule] for v in others])
        for variant, interval in zip(others, simultaneous_intervals(differences)):
            variants[variant]["rules"][rule]["difference"] = with_interval(interval)
    for variant in others:
        variants[variant]["difference"] = variants[variant]["rules"]["its own"]["difference"]
    return variants, per_work


def results_file(name: str, profile: str) -> Path:
    """The file that records a study: in `results/` for drawings, else in a folder of it."""
    return (RESULTS if profile in ("sample", "tiny") else RESULTS / profile) / f"{name}.json"


def verify(name: str, profile: str, device: str, variants: Collection[str]) -> dict[str, float]:
    """Run the first seed of a recorded study again and compare every number of that seed.

    Recipes, changes and profile are those of the record; without `variants`, all are compared.

    Returns:
        For each variant, the largest difference among metrics of val and test and test F2 under
        each rule; infinite where a number is missing on one side.
    """
    record = read_json(results_file(name, profile))
    source = record["provenance"]
    differences = {}
    for variant, recorded in record["values"].items():
        if variants and variant not in variants:
            continue
        seed, changes = source["seeds"][0], recorded["changes"]
        again = run(
            recorded["recipe"], source["profile"], seed=seed, device=device, overrides=changes
        )
        pairs = [
            (recorded[part][m]["seeds"][0], _value(again.metrics[part][m]))
            for part in ("val", "test")
            for m in MEASURES
        ]
        rules = {rule: float(f2.mean()) for rule, f2 in f2_by_rule(again).items()}
        pairs += [(recorded["rules"][rule]["seeds"][0], f2) for rule, f2 in rules.items()]
        differences[variant] = max(_difference(*pair) for pair in pairs)
    return differences


def _difference(recorded: float | None, again: float) -> float:
    if recorded is None or math.isnan(again):
        return 0.0 if recorded is None and math.isnan(again) else math.inf
    return abs(recorded - again)


def full_length(recipe: str, profile: str) -> dict[str, Any]:
    """The documents' number of epochs, where a chapter has time for fewer."""
    return {} if profile == "tiny" else {"epochs": resolve(recipe, "kaggle").epochs}


def _value(measure: Any) -> float:
    value = measure["value"] if isinstance(measure, dict) else measure
    return math.nan if value is None else float(value)


def spread(values: list[float]) -> dict[str, Any]:
    """Mean and range over seeds; None where a seed has no value.

    Examples:
        >>> spread([0.25, 0.75])
        {'value': 0.5, 'low': 0.25, 'high': 0.75, 'seeds': [0.25, 0.75]}
        >>> spread([math.nan])
        {'value': None, 'low': None, 'high': None, 'seeds': [None]}
    """
    if any(map(math.isnan, values)):
        seeds = [None if math.isnan(v) else v for v in values]
        return {"value": None, "low": None, "high": None, "seeds": seeds}
    mean = float(np.mean(values))
    return {"value": mean, "low": min(values), "high": max(values), "seeds": values}


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Studies; all without one.")] = None,
    profile: Annotated[str, typer.Option(help="sample, tiny, small or kaggle.")] = "sample",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    again: Annotated[
        bool, typer.Option("--verify", help="Run one seed again, compare, and note what is equal.")
    ] = False,
) -> None:
    """Run studies and record them in results/, or verify recorded ones."""
    device = resolve_device(device)
    chosen: dict[str, set[str]] = {}
    for text in names or STUDIES:
        name, _, variant = text.partition(":")
        if name not in STUDIES:
            raise typer.BadParameter(f"no study {name}; there are: {', '.join(STUDIES)}")
        chosen.setdefault(name, set()).update({variant} - {""})
    if again:
        raise typer.Exit(_verify_and_print(chosen, profile, device))
    if changed := changed_files():
        typer.secho(f"not recorded: commit these first: {', '.join(changed)}", err=True)
        raise typer.Exit(2)
    for name in chosen:
        values, per_work = study(name, profile, device)
        source = provenance(profile, SEEDS[0], device) | {
            "seeds": list(SEEDS),
            "command": f"make studies PROFILE={profile}",
        }
        path = results_file(name, profile)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_works(path.with_suffix(".npz"), per_work)
        write_json(path, {"provenance": source, "values": values})
        typer.echo(path)


def write_works(path: Path, per_work: PerWork) -> None:
    """Write test F2 of every work: one array (rules, N) per variant, and the rules' names."""
    rules = list(next(iter(per_work.values())))
    arrays = {v: np.stack([f2[r] for r in rules]).astype(np.float32) for v, f2 in per_work.items()}
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, rules=np.array(rules), **arrays)  # type: ignore[arg-type]


def read_works(name: str, profile: str = "sample") -> PerWork:
    """Test F2 of every work of a recorded study, averaged over seeds: variant to rule to (N,)."""
    with np.load(results_file(name, profile).with_suffix(".npz")) as arrays:
        rules = arrays["rules"].tolist()
        variants = [variant for variant in arrays.files if variant != "rules"]
        return {v: dict(zip(rules, arrays[v].astype(np.float64))) for v in variants}


def _verify_and_print(chosen: Mapping[str, set[str]], profile: str, device: str) -> int:
    """Verify and print; returns the exit code, 1 if a number differs by more than `TOLERANCE`.

    Variants found equal are noted in the record with the code that they were verified with, if
    that code is committed.
    """
    differs, committed = False, not changed_files()
    for name, variants in chosen.items():
        path = results_file(name, profile)
        if not path.exists():
            typer.echo(f"{name}: not recorded")
            continue
        for variant, difference in verify(name, profile, device, variants).items():
            equal = difference <= TOLERANCE
            differs |= not equal
            verdict = "equal" if equal else "DIFFERS"
            typer.echo(f"{name}: {variant}: {verdict}, largest difference {difference:.2g}")
            if equal and committed:
                record = read_json(path)
                source = provenance(profile, SEEDS[0], device)
                noted = {key: source[key] for key in ("seed", "commit", "date")}
                record["values"][variant]["verified"] = noted | {"code": code_key()}
                write_json(path, record)
    return int(differs)


if __name__ == "__main__":
    typer.run(main)
