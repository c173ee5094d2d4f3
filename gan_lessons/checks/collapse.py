"""The exercises of the lesson "Mode collapse"."""

import numpy as np

from gan_lessons import toys
from gan_lessons.checks import Exercise
from gan_lessons.checks.functions import Function, on
from gan_lessons.checks.kinds import Hint, Number

_SPREAD, _TOGETHER = (np.log1p(np.exp(-2)) + 7 * np.log(2)) / 8, np.log1p(np.exp(-2))
_SHARES = "np.asarray(counts) / np.sum(counts)"
_MODES = "not every mode is covered: put a point on each centre, `toy.modes`."
_SHARE = "more than 1 % of the points lie on a mode. One point on each is enough; where may the others be?"

what_it_pays = Exercise(
    "What collapse pays",
    Number(
        _SPREAD - _TOGETHER,
        {
            _TOGETHER: "that is the loss after the move. Subtract it from the loss before.",
            _SPREAD: "that is the loss before the move. Subtract the loss after it.",
        },
        nudge="before: the mean of −log σ over one logit 2 and seven logits 0. After: −log σ(2).",
        formula="(log(1 + e⁻²) + 7·log 2) / 8 − log(1 + e⁻²)",
    ),
    right="from 0.62 to 0.13. Against a D that stands still, nothing is better for G than the point that D likes best.",
)


def _reverse_kl(counts):
    shares = np.asarray(counts) / np.sum(counts)
    found = shares[shares > 0]
    return np.sum(found * np.log(found * len(shares)))


reverse_kl = Exercise(
    "How uneven?",
    Function(
        _reverse_kl,
        [on(np.array([10, 20, 30, 40])), on(np.array([50, 50, 0, 0])), on(np.array([0, 0, 7, 0, 0, 0, 0, 0]))],
        {
            f"np.sum({_SHARES} * np.log({_SHARES} * len(counts)))": "a mode without fakes gives 0 · log 0, which NumPy "
            "makes NaN. Its term is 0: leave it out of the sum.",
            f"-np.mean(np.log({_SHARES} * len(counts)))": "that is the other direction, KL(uniform ‖ q). The weights "
            "are the shares.",
        },
        nudge="shares are counts divided by their sum; sum share · log(share · number of modes) over those above 0.",
        formula="q = counts / counts.sum(); found = q[q > 0]; np.sum(found * np.log(found * len(counts)))",
    ),
    right="0 where all modes have equally many, log 8 ≈ 2.08 for one mode of eight, log 2 for a half of them.",
)


def _fool_the_count(toy):
    points = np.full((2500, 2), 100.0)
    points[: len(toy.modes)] = toy.modes
    return points


def _fooled(function, toy):
    points = function(toy)
    if toys.modes_covered(points, toy) < len(toy.modes):
        raise Hint(_MODES)
    if toys.share_on_modes(points, toy) > 0.01:
        raise Hint(_SHARE)
    return 1.0


fool_the_count = Exercise(
    "Fool the count",
    Function(
        _fool_the_count,
        [lambda function: _fooled(function, toys.ring(8, std=0.05)), lambda function: _fooled(function, toys.ring(12))],
        {"np.full((2500, 2), 100.0)": _MODES, "toy.sample(2500, seed=0)": _SHARE},
        nudge=_MODES,
        formula="points = np.full((2500, 2), 100.0); points[: len(toy.modes)] = toy.modes",
    ),
    right="all modes by the count, and a useless generator.",
)

pair = Exercise(
    "D judges two at once",
    Number(
        2 * np.log(1 / 8),
        {np.log(1 / 8): "that is for one fake. Two real samples: 1/8 · 1/8.", 1 / 64: "take the logarithm of it."},
        nudge="the logit of the best D is log(p_r / p_g). For pairs at mode 1: p_g = 1, and p_r = 1/8 · 1/8.",
        formula="log(1/64)",
    ),
    right="twice −2.08: for the best D, two equal fakes are twice as suspicious as one.",
)
