"""Learning rates of each epoch, from the formulas; optimisers as the recipes name them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from imet.config import resolve
from imet.training.loop import make_optimizer, make_schedule


def rates(epochs: int, **changes) -> list[float]:
    recipe = resolve("resnet50", "kaggle", {"epochs": epochs} | changes)
    optimizer = make_optimizer([nn.Parameter(torch.zeros(1))], recipe)
    schedule = make_schedule(optimizer, recipe)
    found = []
    for _ in range(epochs):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def test_cosine_annealing_is_its_formula():
    wanted = [1e-4 * (1 + math.cos(math.pi * epoch / 15)) / 2 for epoch in range(15)]
    assert rates(15) == pytest.approx(wanted)
    assert rates(15)[0] == 1e-4
    assert rates(15)[-1] > 0


def test_one_epoch_has_the_full_rate():
    assert rates(1) == [1e-4]


@pytest.mark.parametrize(("step", "base"), [(10, 0.001), (15, 0.01)])
def test_the_posters_steps(step, base):
    found = rates(3 * step, schedule="step", step_epochs=step, learning_rate=base)
    wanted = [base * 0.1 ** (epoch // step) for epoch in range(3 * step)]
    assert found == pytest.approx(wanted)


def test_optimisers_carry_the_recipes_numbers():
    parameter = [nn.Parameter(torch.zeros(1))]
    adam = make_optimizer(parameter, resolve("resnet50", "kaggle"))
    assert isinstance(adam, torch.optim.Adam)
    assert not isinstance(adam, torch.optim.AdamW)  # L2 as the paper has it
    assert (adam.defaults["lr"], adam.defaults["weight_decay"]) == (1e-4, 1e-5)
    changes = {"optimizer": "sgd", "learning_rate": 0.01, "momentum": 0.8, "weight_decay": 0.1}
    sgd = make_optimizer(parameter, resolve("resnet50", "kaggle", changes))
    assert isinstance(sgd, torch.optim.SGD)
    found = [sgd.defaults[k] for k in ("lr", "momentum", "weight_decay")]
    assert found == [0.01, 0.8, 0.1]
