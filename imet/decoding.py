"""Paths of labels: greedy and beam search, where paths stop, what the views of a work say together.

The paper, section 3.3. The labels and probabilities of a path do not depend on the threshold, so a
path is decoded once, to its T steps, and stopped afterwards; tuning γ costs no forward pass. The
candidate pool is updated in `imet.models.attn_cnn_rnn`; scores without paths are decided in
`imet.thresholds`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imet.devices import gathered
from imet.io import atomic_path
from imet.metrics import fbeta
from imet.models.attn_cnn_rnn import AttnCnnRnn, Features, State
from imet.thresholds import Rule
from imet.typing import Array, BoolArray, FloatArray, IntArray

Mode = Literal["terminate", "mask"]
Combine = Literal["union", "vote", "mean"]

BEAMS = (1, 2, 3, 5, 10)
"""Widths of the search that are tried on validation."""
GAMMAS = np.geomspace(0.1, 1000, 81)
"""γ that are tried on validation, each 12 % above the last."""


@dataclass(frozen=True, eq=False)
class Paths:
    """T chosen labels for every view, or for every work; leading axes are free.

    `scores` are every label's largest p_t over the steps: what a ROC curve needs and the paper says
    the model lacks. A label may score high at a step that chose another.
    """

    labels: IntArray  # int64 (..., T), no label twice in a path
    probabilities: FloatArray  # float32 (..., T), p_t of the label chosen at step t
    scores: FloatArray | None = None  # float32 (..., K); None for paths that were read from a file

    def split_views(self, count: int) -> Paths:
        """Split the first axis into works and their `count` views: (N·V, …) to (N, V, …)."""
        return self._each(lambda array: array.reshape(-1, count, array.shape[-1]))

    def best(self) -> Paths:
        """The best of each view's beams: axes (B, S, …) to (B, …)."""
        return self._each(lambda array: array[:, 0])

    def _each(self, change: Callable[[Array], Array]) -> Paths:
        scores = None if self.scores is None else change(self.scores)
        return Paths(change(self.labels), change(self.probabilities), scores)


# --- Searching for paths -------------------------------------------------------------------------


@torch.no_grad()
def decode_greedy(head: AttnCnnRnn, features: Features, *, shared_views: int = 1) -> Paths:
    """At every step the most probable label that the path does not have yet, without dropout.

    Takes the features of B views and gives their paths; with V > 1 `shared_views`, those of B / V
    works: p_t is averaged over each run of V consecutive views, the views of a work, and all of
    them follow the one path so chosen ("mean", where the paper has the union of V paths).

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> head = AttnCnnRnn(labels=7, feature_dim=6, width=4, steps=3)
        >>> views = {"spatial": torch.randn(12, 49, 6), "pooled": torch.randn(12, 6)}
        >>> decode_greedy(head, views).labels.shape
        (12, 3)
        >>> decode_greedy(head, views, shared_views=6).labels.shape
        (2, 3)
    """
    with evaluation_mode(head):
        view, state = head.begin(features)
        labels, probabilities, best = [], [], None
        for _ in range(head.steps):
            logits, _, state = head.step(view, state)  # (B, 1, K)
            p = logits.to(accumulation_dtype(logits)).sigmoid()
            works = p.reshape(-1, shared_views, head.labels).mean(1)  # (N, K)
            pool = state.pool[::shared_views, 0]  # (N, K)
            label = works.masked_fill(~pool, -1).argmax(-1, keepdim=True)  # (N, 1)
            labels.append(label)
            probabilities.append(works.gather(1, label))
            best = works if best is None else torch.maximum(best, works)
            followed = label.repeat_interleave(shared_views, 0)  # (B, 1)
            state = head.advance(state, logits.sigmoid(), followed)
    assert best is not None
    return Paths(
        torch.cat(labels, 1).cpu().numpy(),
        torch.cat(probabilities, 1).float().cpu().numpy(),
        best.float().cpu().numpy(),
    )


@torch.no_grad()
def beam_search(head: AttnCnnRnn, features: Features, beams: int = 5) -> Paths:
    """The `beams` best paths of every view, by the product of their labels' probabilities.

    Step 1 starts from one path and keeps its `beams` most probable labels. Every later step
    extends each path by every label it does not have yet, and keeps the best of all these
    successors. Each path has its own ỹ and state (as coded, the first step mixes ỹ between paths:
    not copied). Ties go to the path that ranked higher before, then to the lower label. One beam
    is greedy decoding.

    Features of B views give paths with axes (B, S, ...), the best path first; fewer than S where
    so few labels allow no more. Two paths may hold the same labels in another order.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> head = AttnCnnRnn(labels=7, feature_dim=6, width=4, steps=3)
        >>> views = {"spatial": torch.randn(2, 49, 6), "pooled": torch.randn(2, 6)}
        >>> beam_search(head, views, beams=4).labels.shape
        (2, 4, 3)
    """
    if beams < 1:
        raise ValueError(f"beam search needs at least one beam, got {beams}")
    with evaluation_mode(head):
        view, state = head.begin(features)  # one path per view
        batch, k = len(view.v), head.labels
        row = torch.arange(batch, device=view.v.device)[:, None]  # (B, 1)
        total = view.v.new_zeros(batch, 1, dtype=accumulation_dtype(view.v))  # (B, S)
        labels = torch.empty(batch, 1, 0, dtype=torch.long, device=total.device)  # (B, S, t)
        chosen = total.new_empty(batch, 1, 0)  # (B, S, t) log p of the labels
        best = total.new_full((batch, 1, k), -torch.inf)  # (B, S, K) largest log p so far
        for t in range(head.steps):
            logits, _, state = head.step(view, state)  # (B, S, K)
            log_p = F.logsigmoid(logits.to(total.dtype))
            successors = (total[..., None] + log_p).masked_fill(~state.pool, -torch.inf)
            possible = total.shape[1] * (k - t)
            total, index = _largest(successors.flatten(1), min(beams, possible))  # (B, S)
            parent, label = index // k, index % k
            labels = torch.cat([labels[row, parent], label[..., None]], -1)
            chosen = torch.cat([chosen[row, parent], log_p[row, parent, label][..., None]], -1)
            best = torch.maximum(best, log_p)[row, parent]
            state = State(*(x[row, parent] for x in state))
            state = head.advance(state, logits.sigmoid()[row, parent], label)
    return Paths(
        labels.cpu().numpy(), chosen.exp().float().cpu().numpy(), best.exp().float().cpu().numpy()
    )


@torch.inference_mode()
def decode(
    network: Any, batches: Iterable[Mapping[str, Tensor]], works: int, search: str = "1"
) -> Paths:
    """The best path of every view of every work, in the order of the works: axes (N, V, …).

    Args:
        network: an `imet.models.heads.Network` around an `AttnCnnRnn`.
        batches: see `imet.batches`; those of all processes together hold each work once.
        works: N.
        search: number of beams, "1" being greedy; "mean" for one greedy path per work, chosen by
            the mean probability of its views: axes (N, …).
    """
    pieces = []
    with evaluation_mode(network):
        for batch in batches:
            features = network.features(batch)
            views = len(features["spatial"]) // len(batch["works"])
            if search == "mean":
                paths = decode_greedy(network.head, features, shared_views=views)
            elif search == "1":
                paths = decode_greedy(network.head, features).split_views(views)
            else:
                paths = beam_search(network.head, features, int(search)).best().split_views(views)
            pieces.append((batch["works"].cpu(), paths))
    return _in_work_order(gathered(pieces), works)


@torch.inference_mode()
def greedy_validation(
    network: Any, batches: Iterable[Mapping[str, Tensor]], works: int, criterion: Any
) -> tuple[Paths, float]:
    """Greedy paths and the mean loss of free running, from one pass: what validation needs."""
    pieces, losses = [], []
    with evaluation_mode(network):
        for batch in batches:
            labels, logits, _ = network.head.unroll(network.features(batch))
            p = logits.sigmoid()  # (B·V, T, K)
            chosen = p.gather(2, labels[..., None])[..., 0]  # (B·V, T)
            paths = Paths(*(x.cpu().numpy() for x in (labels, chosen, p.amax(1))))
            pieces.append((batch["works"].cpu(), paths.split_views(len(p) // len(batch["works"]))))
            losses.append(len(batch["works"]) * float(criterion(logits, batch)))
    return _in_work_order(gathered(pieces), works), sum(gathered(losses)) / works


def _in_work_order(pieces: list[tuple[Tensor, Paths]], works: int) -> Paths:
    """Paths of batches joined in the order of the works, each of them once."""
    rows = np.concatenate([rows.cpu().numpy() for rows, _ in pieces])
    if len(rows) != works or len(np.unique(rows)) != works:
        raise ValueError(f"{len(np.unique(rows))} of {works} works came, {len(rows)} times in all")
    arrays = [(p.labels, p.probabilities, p.scores) for _, p in pieces]
    return Paths(*(np.concatenate(parts)[np.argsort(rows)] for parts in zip(*arrays)))


@contextmanager
def evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode for a while: no dropout."""
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)


def accumulation_dtype(x: Tensor) -> torch.dtype:
    """Float64, so that near ties of probabilities stay apart, where the device has it."""
    return torch.float32 if x.device.type == "mps" else torch.float64


def _largest(x: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest of each row in descending order, ties to the lower index.

    `torch.topk` breaks ties as it likes; argmax promises the first maximum.
    """
    rest, index = x.clone(), []
    for _ in range(count):
        i = rest.argmax(-1, keepdim=True)  # (B, 1)
        index.append(i)
        rest.scatter_(-1, i, -torch.inf)
    places = torch.cat(index, -1)  # (B, count)
    return x.gather(-1, places), places


# --- Paths of all works of a part


def save_paths(path: Path, paths: Mapping[str, Paths]) -> None:
    """Write paths by name, "5" for five beams, without their scores, to one .npz file."""
    arrays: dict[str, Any] = {}
    for name, each in paths.items():
        arrays[f"labels_{name}"] = each.labels.astype(np.int16)
        arrays[f"probabilities_{name}"] = each.probabilities
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)


def load_paths(path: Path) -> dict[str, Paths]:
    """Read what `save_paths` wrote."""
    with np.load(path) as arrays:
        names = [n.removeprefix("labels_") for n in arrays.files if n.startswith("labels_")]
        labels = {name: arrays[f"labels_{name}"].astype(np.int64) for name in names}
        return {name: Paths(labels[name], arrays[f"probabilities_{name}"]) for name in names}


# --- Where paths stop ----------------------------------------------------------------------------


def path_probability(probabilities: FloatArray) -> FloatArray:
    """Normalised path probability P_t, Equation 6: the geometric mean of the first t.

    (..., T) to (..., T). A product of independent sigmoids, so a score and not a probability.

    Examples:
        >>> path_probability(np.array([0.5, 0.125])).round(3).tolist()
        [0.5, 0.25]
    """
    return np.exp(_running_mean(_log(probabilities)))


def path_threshold(labels: IntArray, gamma: float, f: FloatArray) -> FloatArray:
    """Geometric mean of γ f over the labels of a path so far, (..., T) to (..., T).

    f (K,) are the labels' proportions in training. A label without a training work (f = 0) makes
    the threshold 0 from its step on, as the formula has it.

    Examples:
        >>> path_threshold(np.array([0, 1]), 2.5, np.array([0.2, 0.05])).round(3).tolist()
        [0.5, 0.25]
    """
    return np.exp(_running_mean(_log(gamma * np.asarray(f, np.float64)[labels])))


def steps_before_stop(
    paths: Paths,
    gamma: float,
    f: FloatArray,
    mode: Mode = "terminate",
    *,
    keep_first: bool = True,
    keep_failing: bool = False,
) -> BoolArray:
    """Which steps' labels are output, (..., T). A step fails where P_t < `path_threshold`.

    "terminate" ends at the first step that fails (the paper); "mask" drops the failing steps one by
    one and lets a later one in again (as coded). With `keep_first` a path outputs its first label
    even if it fails (as coded). With `keep_failing` the step that ends the path is output too,
    which "terminate at the end of time step t" may also mean; only with "terminate".

    Examples:
        >>> paths = Paths(np.array([0, 1, 2]), np.array([0.9, 0.1, 0.9]), None)
        >>> steps_before_stop(paths, 1.0, np.full(3, 0.4)).tolist()
        [True, False, False]
        >>> steps_before_stop(paths, 1.0, np.full(3, 0.4), "mask").tolist()
        [True, False, True]
    """
    if mode not in ("terminate", "mask"):
        raise ValueError(f'mode is "terminate" or "mask", not {mode!r}')
    p = _running_mean(_log(paths.probabilities))  # compared as logarithms: nothing underflows
    passed = p >= _running_mean(_log(gamma * np.asarray(f, np.float64)[paths.labels]))  # (..., T)
    if mode == "terminate":
        passed = np.logical_and.accumulate(passed, axis=-1)
        if keep_failing:
            passed[..., 1:] |= passed[..., :-1].copy()
    if keep_first or (keep_failing and mode == "terminate"):
        passed[..., 0] = True
    return passed


def stop_paths(
    paths: Paths, gamma: float, f: FloatArray, mode: Mode = "terminate", **keep: bool
) -> BoolArray:
    """Decisions of each path, bool (..., K): the labels of `steps_before_stop`."""
    return _multi_hot(paths.labels, steps_before_stop(paths, gamma, f, mode, **keep), len(f))


def labels_of_works(
    paths: Paths,
    gamma: float,
    f: FloatArray,
    mode: Mode = "terminate",
    combine: Combine = "union",
    **keep: bool,
) -> BoolArray:
    """Decisions (N, K) bool from paths (N, V, T), or (N, T) where all views follow one."""
    if paths.labels.ndim == 3 and combine == "vote":
        return combine_views(stop_paths(paths, gamma, f, mode, **keep), "vote")
    works, kept = len(paths.labels), steps_before_stop(paths, gamma, f, mode, **keep)
    return _multi_hot(paths.labels.reshape(works, -1), kept.reshape(works, -1), len(f))


def combine_views(predicted: BoolArray, how: Literal["union", "vote"] = "union") -> BoolArray:
    """A work's decisions from its views', (N, V, K) to (N, K): any of them, or at least half.

    Examples:
        >>> views = np.array([[[True, True, False], [False, True, False], [False, False, False]]])
        >>> combine_views(views).tolist(), combine_views(views, "vote").tolist()
        ([[True, True, False]], [[False, True, False]])
    """
    if how == "union":
        return np.asarray(predicted.any(1))
    if how == "vote":
        return np.asarray(2 * predicted.sum(1) >= predicted.shape[1])
    raise ValueError(f'views combine by "union" or "vote", not {how!r}')


@dataclass(frozen=True, kw_only=True)
class PathRule(Rule):
    """Stop a path where P_t < the geometric mean of γ·f (Eq. 6); then put views together.

    Labels of a work are the "union" of its views' (the paper), the "vote" of half of them, or those
    of one path for all views by their "mean" probability.
    """

    kind: ClassVar[str] = "path"
    gamma: float  # γ
    proportions: tuple[float, ...]  # (K,) f, shares of training works
    beams: int = 1  # width of the search that gives the paths; 1 is greedy
    mode: Mode = "terminate"  # as written; "mask" as coded
    keep_first: bool = False  # a path always gives its first label (as coded)
    combine: Combine = "union"

    @property
    def search(self) -> str:
        """Name of the search whose paths it stops: "mean", or the number of beams."""
        return "mean" if self.combine == "mean" else str(self.beams)

    def predict(self, paths: Paths) -> BoolArray:
        """Decisions (N, K) bool from the paths of N works; see `labels_of_works`."""
        f, keep = np.array(self.proportions), {"keep_first": self.keep_first}
        return labels_of_works(paths, self.gamma, f, self.mode, self.combine, **keep)

    def decide(self, outputs: Any) -> BoolArray:
        """Labels (N, K) bool; see `Rule.decide`."""
        return self.predict(outputs.paths[self.search])

    def describe(self) -> str:
        """The rule in words."""
        search = "greedy paths" if self.beams == 1 else f"best of {self.beams} beams"
        end = "ending" if self.mode == "terminate" else "masked"
        return f"{search}, {end} where P < {self.gamma:.3g}·f, {self.combine} of the views"


def tune_gamma(
    paths: Paths,
    f: FloatArray,
    targets: BoolArray,
    gammas: FloatArray = GAMMAS,
    mode: Mode = "terminate",
    combine: Combine = "union",
    **keep: bool,
) -> tuple[float, FloatArray]:
    """The γ with the best F2 on validation works, and the F2 of each of the M `gammas`.

    See `labels_of_works`; f (K,) are shares of training works, `targets` (N, K). The first γ wins
    ties.

    Examples:
        >>> paths = Paths(np.array([[0, 1]]), np.array([[0.9, 0.1]]))
        >>> gamma, f2 = tune_gamma(
        ...     paths, np.full(2, 0.4), np.array([[True, False]]), np.array([0.1, 1.0])
        ... )
        >>> gamma, f2.round(3).tolist()
        (1.0, [0.833, 1.0])
    """
    values = [
        fbeta(labels_of_works(paths, float(gamma), f, mode, combine, **keep), targets)
        for gamma in gammas
    ]
    return float(gammas[np.argmax(values)]), np.array(values)


def tune_path_rule(
    paths: Mapping[int, Paths],
    targets: Array,
    proportions: Array,
    *,
    gamma: float = 0.0,
    mode: Mode = "terminate",
    keep_first: bool = False,
    combine: Combine = "union",
) -> tuple[PathRule, dict[str, dict[str, float]]]:
    """The γ and K with the best F2 on validation works, and each width's best γ with its F2.

    `paths` are the width of a search to its paths (N, V, T); ties go to the narrower one. Targets
    are (N, K), proportions (K,) shares of training works. γ 0 tries all of `GAMMAS`; the rest is as
    in `PathRule`.
    """
    gammas = np.array([gamma]) if gamma else GAMMAS
    f = np.asarray(proportions, float)
    tried: dict[str, dict[str, float]] = {}
    for beams in sorted(paths):
        best, values = tune_gamma(
            paths[beams], f, targets, gammas, mode, combine, keep_first=keep_first
        )
        tried[str(beams)] = {"gamma": best, "f2": float(values.max())}
    width = max(tried, key=lambda name: tried[name]["f2"])  # the first of ties
    chosen = tried[width]["gamma"]
    rule = PathRule(
        gamma=chosen,
        proportions=tuple(f.tolist()),
        beams=int(width),
        mode=mode,
        keep_first=keep_first,
        combine=combine,
        f_beta=tried[width]["f2"],
        at_edge=not gamma and chosen in (gammas[0], gammas[-1]),
    )
    return rule, tried


def _multi_hot(labels: IntArray, kept: BoolArray, count: int) -> BoolArray:
    predicted = np.zeros((*labels.shape[:-1], count), bool)
    where = np.nonzero(kept)
    predicted[(*where[:-1], labels[where])] = True
    return predicted


def _log(x: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.log(np.asarray(x, np.float64))


def _running_mean(x: FloatArray) -> FloatArray:
    return x.cumsum(-1) / np.arange(1, x.shape[-1] + 1)
