"""Paths of labels: greedy and beam search, where paths stop, how the views of a work are combined.

See section 3.3 of the paper. The labels and probabilities of a path do not depend on the threshold,
so a path is decoded once, for all T steps, and stopped afterwards; tuning γ costs no forward pass.
`imet.models.attn_cnn_rnn` updates the candidate pool; `imet.thresholds` has the rules for scores
without paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, get_args

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

Mode = Literal["terminate", "terminate_after", "mask"]
Combine = Literal["union", "vote", "mean"]

BEAMS = (1, 2, 3, 5, 10)
"""Widths of the search that are tried on validation."""
GAMMAS = np.geomspace(0.1, 1000, 81)
"""γ that are tried on validation, each 12 % above the last."""


class Paths(NamedTuple):
    """T chosen labels for every view, or for every work, with any leading axes.

    `scores` are every label's largest p_t over the steps: a ROC curve needs such scores, which the
    paper says the model lacks. A label may score high at a step that chose another label.
    """

    labels: IntArray  # int64 (..., T), no label twice in a path
    probabilities: FloatArray  # float32 (..., T), p_t of the label chosen at step t
    scores: FloatArray | None = None  # float32 (..., K); None for paths that were read from a file


# --- Searching for paths -------------------------------------------------------------------------


@torch.no_grad()
def decode_greedy(head: AttnCnnRnn, features: Features, *, shared_views: int = 1) -> Paths:
    """Choose, at every step, the most probable label not yet on the path, without dropout.

    The features of B views give B paths. With `shared_views` V > 1 they give B / V paths, one per
    work: p_t is averaged over every V consecutive views, those of a work, and all of them follow
    the path chosen in this way ("mean", where the paper has the union of V paths).

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
        labels, probabilities, scores = [], [], []
        for _ in range(head.steps):
            logits, _, state = head.step(view, state)  # (B, 1, K)
            p = logits.double().sigmoid()  # double keeps near ties apart
            works = p.reshape(-1, shared_views, head.labels).mean(1)  # (N, K)
            pool = state.pool[::shared_views, 0]  # (N, K)
            label = works.masked_fill(~pool, -1).argmax(-1, keepdim=True)  # (N, 1)
            labels.append(label)
            probabilities.append(works.gather(1, label))
            scores.append(works)
            followed = label.repeat_interleave(shared_views, 0)  # (B, 1)
            state = head.advance(state, logits.sigmoid(), followed)
    return Paths(
        torch.cat(labels, 1).cpu().numpy(),
        torch.cat(probabilities, 1).float().cpu().numpy(),
        torch.stack(scores).amax(0).float().cpu().numpy(),
    )


@torch.no_grad()
def beam_search(head: AttnCnnRnn, features: Features, beams: int = 5) -> Paths:
    """The `beams` best paths of every view, by the product of their labels' probabilities.

    Step 1 starts from one path and keeps its `beams` most probable labels. Every later step
    extends each path by every label it does not have yet, and keeps the `beams` best successors.
    Each path has its own ỹ and state (the authors' code mixes ỹ between paths at the first step,
    which is not copied). Ties go to the path that ranked higher before, then to the lower label.
    One beam is greedy decoding.

    Features of B views give paths with axes (B, S, ...), the best path first; S is less than
    `beams` if there are too few labels. Two paths may hold the same labels in different orders.

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
        total = view.v.new_zeros(batch, 1, dtype=torch.float64)  # (B, S)
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
    """Find the best path of every view of every work, in the order of the works: (N, V, …).

    The network is an `imet.models.heads.Network` around an `AttnCnnRnn`. `search` is the number of
    beams ("1" is greedy), or "mean" for one greedy path per work, chosen by the mean probability
    of its views: axes (N, …). For batches and works see `in_work_order`.
    """
    pieces = []
    with evaluation_mode(network):
        for batch in batches:
            features = network.features(batch)
            views = len(features["spatial"]) // len(batch["works"])
            arrays: Any
            if search in ("1", "mean"):
                shared = views if search == "mean" else 1
                arrays = decode_greedy(network.head, features, shared_views=shared)
            else:
                beams: Any = beam_search(network.head, features, int(search))
                arrays = [x[:, 0] for x in beams]  # the best
            if search != "mean":
                arrays = [x.reshape(-1, views, x.shape[-1]) for x in arrays]
            pieces.append((batch["works"].cpu().numpy(), *arrays))
    return Paths(*in_work_order(pieces, works))


@torch.inference_mode()
def greedy_validation(
    network: Any, batches: Iterable[Mapping[str, Tensor]], works: int, criterion: Any
) -> tuple[Paths, float]:
    """Greedy paths and the mean free-running loss, from the one pass that validation makes."""
    pieces, losses = [], []
    with evaluation_mode(network):
        for batch in batches:
            labels, logits, _ = network.head.unroll(network.features(batch))
            p = logits.sigmoid()  # (B·V, T, K)
            chosen = p.gather(2, labels[..., None])[..., 0]  # (B·V, T)
            rows, arrays = batch["works"].cpu().numpy(), (labels, chosen, p.amax(1))
            pieces.append((rows, *(x.unflatten(0, (len(rows), -1)).cpu().numpy() for x in arrays)))
            losses.append(len(rows) * float(criterion(logits, batch)))
    return Paths(*in_work_order(pieces, works)), sum(gathered(losses)) / works


def in_work_order(pieces: list[Any], works: int) -> list[Array]:
    """Join the arrays of all batches and all processes in the order of the N works.

    A piece comes from one batch: the rows of its works, then arrays with these rows as first axis.
    ValueError: a work is missing or came twice.
    """
    pieces = gathered(pieces)
    seen = np.bincount([row for rows, *_ in pieces for row in rows], minlength=works)
    if not pieces or not (seen == 1).all():
        missing, twice = int((seen == 0).sum()), int((seen > 1).sum())
        raise ValueError(f"{missing} of {works} works missing, {twice} came twice")
    joined = [np.empty((works, *first.shape[1:]), first.dtype) for first in pieces[0][1:]]
    for rows, *arrays in pieces:
        for whole, array in zip(joined, arrays):
            whole[rows] = array
    return joined


@contextmanager
def evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode, without dropout, for a `with` block."""
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)


def _largest(x: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest of each row in descending order, ties to the lower index.

    `torch.topk` breaks ties arbitrarily; argmax promises the first maximum.
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
    for name, (labels, probabilities, _) in paths.items():
        arrays[f"labels_{name}"] = labels.astype(np.int16)
        arrays[f"probabilities_{name}"] = probabilities
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)


def load_paths(path: Path) -> dict[str, Paths]:
    """Read what `save_paths` wrote."""
    with np.load(path) as arrays:
        names = [n.removeprefix("labels_") for n in arrays.files if n.startswith("labels_")]
        return {
            name: Paths(arrays[f"labels_{name}"].astype(np.int64), arrays[f"probabilities_{name}"])
            for name in names
        }


# --- Where paths stop ----------------------------------------------------------------------------


def path_probability(probabilities: FloatArray) -> FloatArray:
    """Normalised path probability P_t, Equation 6: the geometric mean of the first t of T.

    Maps (..., T) to (..., T). A product of independent sigmoids is a score, not a probability.

    Examples:
        >>> path_probability(np.array([0.5, 0.125])).round(3).tolist()
        [0.5, 0.25]
    """
    return np.exp(_mean_log(probabilities))


def path_threshold(labels: IntArray, gamma: float, f: FloatArray) -> FloatArray:
    """Geometric mean of γ f over a path's labels up to each step, (..., T) to (..., T).

    f (K,) are the labels' proportions in training. A label without a training work (f = 0) makes
    the threshold 0 from its step on, as the formula says.

    Examples:
        >>> path_threshold(np.array([0, 1]), 2.5, np.array([0.2, 0.05])).round(3).tolist()
        [0.5, 0.25]
    """
    return np.exp(_mean_log(gamma * np.asarray(f, np.float64)[labels]))


def steps_before_stop(
    paths: Paths, gamma: float, f: FloatArray, mode: Mode = "terminate", keep_first: bool = False
) -> BoolArray:
    """Mark the steps whose labels are output, (..., T). A step fails if P_t < `path_threshold`.

    "terminate" ends before the first step that fails (the paper); "terminate_after" outputs that
    step too, which "terminate at the end of time step t" may also mean; "mask" drops each failing
    step by itself and keeps later steps that pass (as coded). With `keep_first` a path outputs its
    first label even if that step fails (as coded).

    Examples:
        >>> paths = Paths(np.array([0, 1, 2]), np.array([0.9, 0.1, 0.9]))
        >>> steps_before_stop(paths, 1.0, np.full(3, 0.4)).tolist()
        [True, False, False]
        >>> steps_before_stop(paths, 1.0, np.full(3, 0.4), "mask").tolist()
        [True, False, True]
    """
    if mode not in get_args(Mode):
        raise ValueError(f"mode is one of {', '.join(get_args(Mode))}; not {mode!r}")
    limit = _mean_log(gamma * np.asarray(f, np.float64)[paths.labels])
    passed = _mean_log(paths.probabilities) >= limit  # logarithms do not underflow
    if mode != "mask":
        passed = np.logical_and.accumulate(passed, axis=-1)
    if mode == "terminate_after":
        passed[..., 1:] |= passed[..., :-1]
    if keep_first or mode == "terminate_after":
        passed[..., 0] = True
    return passed


def stop_paths(
    paths: Paths, gamma: float, f: FloatArray, mode: Mode = "terminate", keep_first: bool = False
) -> BoolArray:
    """Labels that each path outputs, bool (..., K): those of `steps_before_stop`."""
    return _multi_hot(paths.labels, steps_before_stop(paths, gamma, f, mode, keep_first), len(f))


@dataclass(frozen=True, kw_only=True)
class PathRule(Rule):
    """Stop a path where P_t < the geometric mean of γ·f (Eq. 6); then combine the views.

    The labels of a work are the "union" of its views' labels (the paper), those with the "vote" of
    at least half of the views, or those of one path chosen by the views' "mean" probability.

    Examples:
        >>> views = np.array([[[0, 1], [1, 0], [2, 1]]]), np.ones((1, 3, 2))
        >>> for combine in ("union", "vote"):
        ...     PathRule(gamma=1, proportions=(0.1,) * 3, combine=combine).predict(Paths(*views))
        array([[ True,  True,  True]])
        array([[ True,  True, False]])
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
        """Name of the search whose paths the rule stops: "mean", or the number of beams."""
        return "mean" if self.combine == "mean" else str(self.beams)

    def predict(self, paths: Paths) -> BoolArray:
        """Labels (N, K) bool from paths (N, V, T), or (N, T) if all views share one path."""
        works, f = len(paths.labels), np.array(self.proportions)
        kept = steps_before_stop(paths, self.gamma, f, self.mode, self.keep_first)
        if paths.labels.ndim == 3 and self.combine == "vote":
            of_views = _multi_hot(paths.labels, kept, len(f))  # (N, V, K)
            return np.asarray(2 * of_views.sum(1) >= of_views.shape[1])
        return _multi_hot(paths.labels.reshape(works, -1), kept.reshape(works, -1), len(f))

    def decide(self, outputs: Any) -> BoolArray:
        """Labels (N, K) bool; see `Rule.decide`."""
        return self.predict(outputs.paths[self.search])

    def describe(self) -> str:
        """The rule in words."""
        search = "greedy paths" if self.beams == 1 else f"best of {self.beams} beams"
        end = "masked" if self.mode == "mask" else "ending"
        return f"{search}, {end} where P < {self.gamma:.3g}·f, {self.combine} of the views"


def tune_gamma(
    paths: Paths, f: FloatArray, targets: BoolArray, gammas: FloatArray = GAMMAS, **settings: Any
) -> tuple[float, FloatArray]:
    """The γ with the best F2 on validation works, and the F2 of each of the M `gammas`.

    f (K,) are shares of training works, `targets` are (N, K); other settings are those of
    `PathRule`. The first γ wins ties.

    Examples:
        >>> paths = Paths(np.array([[0, 1]]), np.array([[0.9, 0.1]]))
        >>> gamma, f2 = tune_gamma(
        ...     paths, np.full(2, 0.4), np.array([[True, False]]), np.array([0.1, 1.0])
        ... )
        >>> gamma, f2.round(3).tolist()
        (1.0, [0.833, 1.0])
    """
    rules = [PathRule(gamma=float(gamma), proportions=tuple(f), **settings) for gamma in gammas]
    values = [fbeta(rule.predict(paths), targets) for rule in rules]
    return float(gammas[np.argmax(values)]), np.array(values)


def tune_path_rule(
    paths: Mapping[int, Paths],
    targets: Array,
    proportions: Array,
    *,
    gamma: float = 0.0,
    **settings: Any,
) -> tuple[PathRule, dict[str, dict[str, float]]]:
    """The rule with the best γ and K by F2 on validation works, and each width's best γ and F2.

    `paths` maps the width of a search to its paths (N, V, T); ties go to the narrower one. Targets
    are (N, K), proportions (K,) shares of training works. A γ of 0 tries all of `GAMMAS`; other
    settings are those of `PathRule`.
    """
    gammas = np.array([gamma]) if gamma else GAMMAS
    f = np.asarray(proportions, float)
    tried: dict[str, dict[str, float]] = {}
    for beams in sorted(paths):
        best, values = tune_gamma(paths[beams], f, targets, gammas, **settings)
        tried[str(beams)] = {"gamma": best, "f2": float(values.max())}
    width = max(tried, key=lambda name: tried[name]["f2"])  # the first of ties
    chosen = tried[width]["gamma"]
    rule = PathRule(
        gamma=chosen,
        proportions=tuple(f.tolist()),
        beams=int(width),
        f_beta=tried[width]["f2"],
        at_edge=not gamma and chosen in (gammas[0], gammas[-1]),
        **settings,
    )
    return rule, tried


def _multi_hot(labels: IntArray, kept: BoolArray, count: int) -> BoolArray:
    predicted = np.zeros((*labels.shape[:-1], count), bool)
    where = np.nonzero(kept)
    predicted[(*where[:-1], labels[where])] = True
    return predicted


def _mean_log(x: FloatArray) -> FloatArray:
    """Logarithm of the geometric mean of the first t values, (..., T) to (..., T)."""
    with np.errstate(divide="ignore"):
        logarithms = np.log(np.asarray(x, np.float64))
    return logarithms.cumsum(-1) / np.arange(1, logarithms.shape[-1] + 1)
