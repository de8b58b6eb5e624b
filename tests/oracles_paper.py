"""Slow, independent versions of the paper's methods, for comparison."""

from __future__ import annotations

import numpy as np

# --- imet.hog ---------------------------------------------------------------------------


def skimage_hog(image: np.ndarray, cells: bool = False) -> np.ndarray:
    """scikit-image's HOG with the paper's parameters; with `cells`, before normalisation."""
    from skimage.feature import hog
    from skimage.feature._hog import _hog_channel_gradient
    from skimage.feature._hoghistogram import hog_histograms

    if not cells:
        return hog(image, 8, (16, 16), (3, 3), channel_axis=-1)
    row, column = _hog_channel_gradient(image[..., 0].astype(float))  # equal channels only
    height, width = row.shape
    out = np.zeros((height // 16, width // 16, 8))
    hog_histograms(column, row, 16, 16, width, height, width // 16, height // 16, 8, out)
    return out


# --- imet.models.attn_cnn_rnn, imet.decoding, imet.decoding -------------------------


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


class PlainDecoder:
    """AttnCNN-RNN for one view and one path at a time, from Equations 1-6, in numpy.

    It reads the weights of a head and shares no code with it; everything is float64.
    """

    def __init__(self, head) -> None:
        self.w = {name: x.detach().double().numpy() for name, x in head.state_dict().items()}
        self.labels, self.steps = head.labels, head.steps
        self.attends, self.recurs = head.attention is not None, head.recurrent
        self.gated = self.attends and head.attention.gate is not None

    def linear(self, name: str, x: np.ndarray) -> np.ndarray:
        return self.w[f"{name}.weight"] @ x + self.w.get(f"{name}.bias", 0)

    def start(self, spatial: np.ndarray, pooled: np.ndarray):
        """v_prob, h_0 and c_0; `pooled` already holds HOG where the head has it."""
        mean = spatial.mean(0)
        v_prob = sigmoid(self.linear("classifier.fc", pooled))
        return v_prob, self.linear("h0", mean), self.linear("c0", mean)

    def step(self, spatial: np.ndarray, v_pred: np.ndarray, chosen: list[int], h, c):
        """alpha_t, p_t, h_t, c_t after the labels `chosen`."""
        regions = len(spatial)
        alpha, z = np.full(regions, 1 / regions), spatial.mean(0)
        if self.attends:
            epsilon = np.empty(regions)
            for i in range(regions):  # Eq. 1: Linear-ReLU-Linear on (v_i, h)
                hidden = self.linear("attention.from_v", spatial[i])
                hidden = hidden + self.linear("attention.from_h", h)
                epsilon[i] = self.linear("attention.score", np.maximum(hidden, 0))[0]
            alpha = np.exp(epsilon) / np.exp(epsilon).sum()  # Eq. 2
            z = sum(alpha[i] * spatial[i] for i in range(regions))  # Eq. 3
            if self.gated:
                z = z * sigmoid(self.linear("attention.gate", h))
        y = np.zeros(self.labels)
        y[chosen] = 1
        gates = self.linear("lstm.from_v_pred", v_pred) + self.linear("lstm.from_z", z)
        gates = gates + self.w["lstm.from_y.weight"].T @ y + self.linear("lstm.from_h", h)
        i, f, g, o = np.split(gates, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)  # Eq. 4
        h = sigmoid(o) * np.tanh(c)
        p = sigmoid(self.linear("f_pred.3", self.linear("f_pred.1", h)))  # Eq. 5
        return alpha, p, h, c

    def unroll(self, spatial, pooled, path=None):
        """Labels, p (T, K) and alpha (T, P): greedy, or along `path`."""
        v_prob, h0, c0 = self.start(spatial, pooled)
        v_pred, h, c = v_prob, h0, c0
        chosen, all_p, all_alpha = [], [], []
        for t in range(self.steps):
            if self.recurs:
                alpha, p, h, c = self.step(spatial, v_pred, chosen, h, c)
                v_pred = p
            else:
                alpha, p, _, _ = self.step(spatial, v_prob, [], h0, c0)
            pool = [k for k in range(self.labels) if k not in chosen]
            if path is None:
                chosen.append(max(pool, key=lambda k: p[k]))
            elif path[t] >= 0:
                chosen.append(int(path[t]))
            all_p.append(p)
            all_alpha.append(alpha)
        return chosen, np.array(all_p), np.array(all_alpha)

    def beam(self, spatial, pooled, beams):
        """Lists of labels and of their probabilities, the best path first."""
        v_prob, h0, c0 = self.start(spatial, pooled)
        paths = [([], [], v_prob, h0, c0)]
        for _ in range(self.steps):
            grown = []
            for labels, probabilities, v_pred, h, c in paths:
                if self.recurs:
                    _, p, h, c = self.step(spatial, v_pred, labels, h, c)
                else:
                    _, p, _, _ = self.step(spatial, v_prob, [], h0, c0)
                for k in range(self.labels):
                    if k not in labels:
                        grown.append(([*labels, k], [*probabilities, p[k]], p, h, c))
            paths = sorted(grown, key=lambda path: -np.log(path[1]).sum())[:beams]
        return [path[0] for path in paths], [path[1] for path in paths]


def stopped_labels(
    labels: list[int],
    probabilities: list[float],
    gamma: float,
    f: np.ndarray,
    mode: str,
    keep_first: bool,
) -> set[int]:
    """The paper's stopping rule for one path, step by step."""
    out = set()
    for t in range(1, len(labels) + 1):
        p_t = np.prod(probabilities[:t]) ** (1 / t)  # Eq. 6
        threshold = np.prod([gamma * f[k] for k in labels[:t]]) ** (1 / t)
        failed = p_t < threshold
        if not failed or (t == 1 and keep_first):
            out.add(labels[t - 1])
        if failed and mode == "terminate_after":
            out.add(labels[t - 1])
        if failed and mode != "mask":
            break
    return out


def combined_views(predicted: np.ndarray, how: str) -> np.ndarray:
    """A work's labels from those of its views, (N, V, K) to (N, K): of any view, or of half."""
    least = {"union": 1, "vote": predicted.shape[1] / 2}[how]
    return np.array([[sum(column) >= least for column in work.T] for work in predicted])


def sequence_loss_loops(logits, targets, weight, mean_classes: bool) -> float:
    """Algorithm 2's loss with Equation 7's weights: targets (B, T, K)."""
    batch, steps, labels = logits.shape
    total = 0.0
    for b in range(batch):
        for t in range(steps):
            for k in range(labels):
                p = sigmoid(logits[b, t, k])
                y = targets[b, t, k]
                total -= weight[k] * y * np.log(p) + (1 - y) * np.log(1 - p)
    return total / (batch * steps * (labels if mean_classes else 1))
