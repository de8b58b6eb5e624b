"""The documents' findings and ours, each as one difference in test F2, on drawings and photographs.

A finding names two cells of the recorded studies: a study, a variant and a decision rule. Whether
it holds is read from the interval of their difference, and from nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from imet.report.reported import reported_value
from imet.report.studies import read_works, results_file
from imet.statistics import Interval, simultaneous_intervals


class Cell(NamedTuple):
    """A variant of a recorded study under one decision rule."""

    study: str
    variant: str
    rule: str = "its own"


class Finding(NamedTuple):
    """That one cell has a higher F2 than another.

    Attributes:
        key: short name.
        claim: in words; “A over B” and “A added to B” claim a higher F2.
        chapter: the notebook that it comes from.
        more, less: the cells; the claim is that `more` scores higher.
        reported: keys of the two numbers in the documents, where they report the difference.
    """

    key: str
    claim: str
    chapter: str
    more: Cell
    less: Cell
    reported: tuple[str, str] | None = None


def _factorial(trained: str, judged: str, loss: str = "class-weighted") -> Cell:
    return Cell("factorial", f"{trained}, {judged}, {loss}, labels kept", "one threshold")


_PLAIN = _factorial("six as written", "judged on six")
_SHORT = Cell("baseline_rows", "resnet50", "one threshold")
_LONG = Cell("equal_length", "AttnCNN-RNN")
_ALONE = "recurrence_and_attention"

FINDINGS: tuple[Finding, ...] = (
    Finding(
        "rnn",
        "AttnCNN-RNN over the baseline, equal length",
        "12_paper_results",
        _LONG,
        Cell("equal_length", "baseline"),
        ("paper.attn_cnn_rnn.val.f2", "paper.resnet50.val.f2"),
    ),
    Finding(
        "rnn_count",
        "… with a fixed number of labels for both",
        "12_paper_results",
        _LONG._replace(rule="fixed number"),
        Cell("equal_length", "baseline", "fixed number"),
    ),
    Finding(
        "hog",
        "HOG added to the baseline, equal length",
        "05_resnet50_hog",
        Cell("equal_length", "ResNet50 + HOG"),
        Cell("equal_length", "baseline"),
        ("paper.resnet50_hog.val.f2", "paper.resnet50.val.f2"),
    ),
    Finding(
        "rnn_hog",
        "HOG added to AttnCNN-RNN",
        "06_attn_cnn_rnn",
        Cell("equal_length", "AttnCNN-RNN + HOG"),
        _LONG,
        ("paper.attn_cnn_rnn_hog.val.f2", "paper.attn_cnn_rnn.val.f2"),
    ),
    Finding(
        "views",
        "Baseline: the resized view over six views",
        "18_why_533_and_393",
        _factorial("the resized view", "judged on one"),
        _PLAIN,
    ),
    Finding(
        "crops_all",
        "Six views: all labels over cultures only",
        "18_why_533_and_393",
        _factorial("six with all labels", "judged on six"),
        _PLAIN,
    ),
    Finding(
        "crops_coded",
        "Six views: crops on nothing over cultures",
        "05_resnet50_hog",
        _factorial("six as coded", "judged on six"),
        _PLAIN,
    ),
    Finding(
        "crops_coded_kinds",
        "… with a threshold for each kind of label",
        "05_resnet50_hog",
        _factorial("six as coded", "judged on six")._replace(rule="by kind of label"),
        _PLAIN._replace(rule="by kind of label"),
    ),
    Finding(
        "focal",
        "Six views: focal over class-weighted loss",
        "14_losses_and_thresholds",
        _factorial("six as written", "judged on six", "focal"),
        _PLAIN,
    ),
    Finding(
        "focal_one",
        "… on the resized view alone",
        "14_losses_and_thresholds",
        _factorial("the resized view", "judged on one", "focal"),
        _factorial("the resized view", "judged on one"),
    ),
    Finding(
        "kinds",
        "A threshold for each kind over one",
        "14_losses_and_thresholds",
        _SHORT._replace(rule="by kind of label"),
        _SHORT,
    ),
    Finding(
        "share",
        "A share of the highest score over one",
        "14_losses_and_thresholds",
        _SHORT._replace(rule="share of the highest"),
        _SHORT,
    ),
    Finding(
        "poster",
        "Poster's best row over the paper's baseline",
        "17_poster_results",
        Cell("poster_rows", "vgg16_bn_step15"),
        Cell("baseline_rows", "resnet50"),
        ("poster.best.f2", "paper.resnet50.val.f2"),
    ),
    Finding(
        "attention",
        "Attention added to recurrence",
        "12_paper_results",
        Cell(_ALONE, "both"),
        Cell(_ALONE, "recurrence alone"),
    ),
    Finding(
        "recurrence",
        "Recurrence added to attention",
        "12_paper_results",
        Cell(_ALONE, "both"),
        Cell(_ALONE, "attention alone"),
    ),
    Finding(
        "steps",
        "Ten steps over two",
        "07_decoding",
        Cell("steps", "T = 10"),
        Cell("steps", "T = 2"),
    ),
    Finding(
        "order",
        "Free order over the frequent label first",
        "07_decoding",
        Cell("label_order", "free"),
        Cell("label_order", "frequent first"),
    ),
)


def recorded_findings(profiles: Sequence[str] = ("sample", "met")) -> list[Finding]:
    """Findings whose studies are recorded on all of these profiles."""
    return [
        finding
        for finding in FINDINGS
        if all(
            results_file(cell.study, profile).with_suffix(".npz").exists()
            for cell in (finding.more, finding.less)
            for profile in profiles
        )
    ]


def differences(findings: Sequence[Finding], profile: str) -> list[Interval]:
    """Each finding's difference in test F2 on a profile.

    The intervals hold all at once, since a table of findings invites to look for the ones that
    stand out.
    """
    studies = {cell.study for finding in findings for cell in (finding.more, finding.less)}
    works = {study: read_works(study, profile) for study in studies}
    per_work = [
        works[f.more.study][f.more.variant][f.more.rule]
        - works[f.less.study][f.less.variant][f.less.rule]
        for f in findings
    ]
    return simultaneous_intervals(np.stack(per_work))


def verdict(difference: Interval) -> str:
    """What an interval says of a claim.

    Examples:
        >>> [verdict(Interval(0.1, low, high)) for low, high in ((0.05, 0.2), (-0.1, 0.2))]
        ['holds', 'cannot be told']
        >>> verdict(Interval(-0.1, -0.2, -0.05))
        'does not hold'
    """
    if difference.low > 0:
        return "holds"
    return "does not hold" if difference.high < 0 else "cannot be told"


def reported_difference(finding: Finding) -> str:
    """The documents' difference, where they report both numbers; a dash else.

    Examples:
        >>> reported_difference(FINDINGS[0])
        '+0.064'
    """
    if finding.reported is None:
        return "–"
    more, less = map(reported_value, finding.reported)
    return f"{more - less:+.3f}"
