"""Longer experiments, recorded in `results/`: more seeds than a build of the book has time for.

    python -m imet.studies [NAME …] [--profile sample] [--device auto]

Each study is a list of recipes with changes, run with several seeds; its file holds every run's
measures, so that pages can show their spread, and says where they came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import typer

from imet.config import resolve
from imet.experiments import code_key, resolve_device, run
from imet.io import REPO, write_json
from imet.metrics import fbeta_per_work
from imet.provenance import provenance
from imet.statistics import paired_difference

SEEDS = (0, 1, 2)
MEASURES = ("f2", "f1", "precision", "recall")
Variants = dict[str, tuple[str, dict[str, Any]]]

STUDIES: dict[str, Variants] = {
    # Tables 1 and 2, as written and as coded.
    "baseline_rows": {
        name: (name, {})
        for row in ("resnet50", "resnet50_hog")
        for name in (row, f"{row}_as_coded")
    }
    | {"resnet50, as long as with HOG": ("resnet50", {"epochs": 25})},
    "rnn_rows": {name: (name, {}) for name in ("attn_cnn_rnn", "attn_cnn_rnn_as_coded")},
    "rnn_hog_rows": {
        name: (name, {}) for name in ("attn_cnn_rnn_hog", "attn_cnn_rnn_hog_as_coded")
    },
    # What the authors' crop targets cost, all else equal.
    "crop_targets": {
        "as_written": ("resnet50", {"crop_targets": "as_written", "epochs": 15}),
        "as_coded": ("resnet50", {"crop_targets": "as_coded", "epochs": 15}),
    },
    "crop_targets_rnn": {
        "as_written": ("attn_cnn_rnn", {"crop_targets": "as_written"}),
        "as_coded": ("attn_cnn_rnn", {"crop_targets": "as_coded"}),
    },
    # The paper's future work: which of the two contributes more?
    "recurrence_and_attention": {
        "both": ("ablation", {}),
        "recurrence alone": ("ablation", {"attention": False}),
        "attention alone": ("ablation", {"recurrent": False}),
        "neither": ("ablation", {"attention": False, "recurrent": False}),
    },
    "steps": {f"T = {t}": ("ablation", {"steps": t}) for t in (10, 5, 2, 1)},
    # Why .533 and .393: losses crossed with crop targets on one frozen network.
    "factorial": {
        f"{loss} {crops}": (
            "resnet50",
            {"loss": loss, "crop_targets": crops},
        )
        for loss in ("weighted_bce", "focal")
        for crops in ("as_coded", "as_written")
    },
    "poster_rows": {
        name: (name, {}) for name in ("vgg16_bn_step10", "vgg16_bn_step15", "vgg16_bn_6000")
    },
    "poster_tuned": {"vgg16": ("vgg16", {})},
    "label_order": {
        "free": ("ablation", {}),
        "frequent first": ("ablation", {"label_order": "frequent_first"}),
        "rare first": ("ablation", {"label_order": "rare_first"}),
    },
    # As coded the frozen network is in training mode: no stored features, so few works.
    "batch_norm": {
        "evaluation": ("resnet50", {"max_works": 200, "view_mode": "fresh", "epochs": 5}),
        "training": (
            "resnet50",
            {"max_works": 200, "view_mode": "fresh", "epochs": 5, "batch_norm": "training"},
        ),
    },
}
"""Study to variant to recipe and changes; the others are compared with the first variant."""


def study(name: str, profile: str = "sample", device: str = "auto") -> dict[str, Any]:
    """Run every variant of a study with every seed.

    Returns:
        For each variant: per measure its value for every seed on val and test, their mean and
        range; and, for all but the first, the paired difference of test F2 from the first, each
        work's F2 averaged over seeds.
    """
    found: dict[str, Any] = {}
    first: np.ndarray | None = None
    for variant, (recipe, changes) in STUDIES[name].items():
        changes = _length(recipe, profile) | changes
        runs = [run(recipe, profile, seed=s, device=device, overrides=changes) for s in SEEDS]
        found[variant] = {
            "recipe": recipe,
            "changes": changes,
            "code": code_key(runs[0].recipe),
            **{
                part: {m: spread([r.metrics[part][m]["value"] for r in runs]) for m in MEASURES}
                for part in ("val", "test")
            },
        }
        per_work = np.mean(
            [fbeta_per_work(r.predicted("test"), r.parts.test.targets) for r in runs], axis=0
        )  # (N,)
        if first is None:
            first = per_work
        else:
            found[variant]["difference"] = paired_difference(per_work, first)._asdict()
    return found


def _length(recipe: str, profile: str) -> dict[str, Any]:
    """The documents' number of epochs, where a chapter has time for fewer."""
    return {} if profile == "tiny" else {"epochs": resolve(recipe, "kaggle").epochs}


def spread(values: list[float]) -> Mapping[str, Any]:
    """Mean and range over seeds.

    Examples:
        >>> spread([0.25, 0.75])
        {'value': 0.5, 'low': 0.25, 'high': 0.75, 'seeds': [0.25, 0.75]}
    """
    mean = float(np.mean(values))
    return {"value": mean, "low": min(values), "high": max(values), "seeds": values}


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Studies; all without one.")] = None,
    profile: Annotated[str, typer.Option(help="sample, tiny, small or kaggle.")] = "sample",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Run studies and record them in results/."""
    device = resolve_device(device)
    for name in names or STUDIES:
        if name not in STUDIES:
            raise typer.BadParameter(f"no study {name}; there are: {', '.join(STUDIES)}")
        values = study(name, profile, device)
        source = provenance(profile, SEEDS[0], device) | {
            "seeds": list(SEEDS),
            "command": f"make studies PROFILE={profile}",
        }
        path = REPO / "results" / f"{name}.json"
        write_json(path, {"provenance": source, "values": values})
        typer.echo(path.relative_to(REPO))


if __name__ == "__main__":
    typer.run(main)
