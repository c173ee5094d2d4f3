"""The exercises of the lesson "A DCGAN on CIFAR-10"."""

import numpy as np

from gan_lessons.checks import Exercise
from gan_lessons.checks.functions import Function, on
from gan_lessons.checks.kinds import Choice, Number, Several


def _transposed(x, kernel, stride):
    y = np.zeros((len(x) - 1) * stride + len(kernel))
    for i, value in enumerate(x):
        y[i * stride : i * stride + len(kernel)] += value * kernel
    return y


def _overwritten(x, kernel, stride):
    y = np.zeros((len(x) - 1) * stride + len(kernel))
    for i, value in enumerate(x):
        y[i * stride : i * stride + len(kernel)] = value * kernel
    return y


transposed = Exercise(
    "A transposed convolution on a line",
    Function(
        _transposed,
        [
            on(np.array([1.0, 2.0, -1.0]), np.array([1.0, 3.0, 0.5, 2.0]), 2),
            on(np.array([0.5, -1.0, 2.0, 1.0]), np.array([2.0, 1.0, 4.0]), 1),
        ],
        {
            _overwritten: "where two copies overlap they are added: += in place of =.",
            "np.convolve(x, kernel)": "the copies begin `stride` places apart. Yours begin at neighbouring places.",
        },
        nudge="write value · kernel into places i·stride to i·stride + k, and add.",
        formula="y[i*stride : i*stride + k] += x[i] * kernel, for each i",
    ),
    right="each value writes one copy of the kernel, and the output has (n − 1)·stride + k places.",
)


def _even(k, s):
    counts = [len(range(remainder, k, s)) for remainder in range(s)]
    hint = f"along a line, {counts} copies reach the {s} kinds of places."
    return Choice(k % s == 0, {k % s != 0: hint}, "count the copies at each place.", "as many j for each j mod s?")


even_overlap = Exercise(
    "Even overlap",
    Several({pair: _even(*pair) for pair in ((2, 2), (4, 3), (5, 2), (6, 2), (6, 4), (6, 3))}, selection=True),
    right="the stride has to divide the kernel size. With (2, 2) the copies lie side by side: 1 everywhere.",
)

layer_weights = Exercise(
    "Weights of a layer",
    Number(
        4 * 4 * 128 * 64,
        {
            4 * 4 * 128 * 64 * 16: "this multiplies by the 16 places as well. All places share one kernel.",
            4 * 4 * 128 * 8 * 8 * 64: "this is a dense layer between the maps. Here all places share one kernel.",
        },
        nudge="what are the kernel's four axes?",
        formula="height · width · channels out · channels in",
        room=1e-6,
    ),
    right="131,072. A dense layer from 4×4×128 to 8×8×64 would have 64 times as many.",
)

half_life = Exercise(
    "The memory of an average",
    Number(
        np.log(0.5) / np.log(0.999),
        {
            1000: "after 1,000 steps 0.999¹⁰⁰⁰ = 0.37 is left. When is it one half?",
            500: "the share shrinks by a factor, not by 0.001 of the start.",
        },
        nudge="after n steps a share of 0.999ⁿ is left.",
        formula="log(0.5) / log(0.999)",
    ),
    right="about 693 steps. Of the untrained weights, 0.999⁷⁸¹⁰ = 0.0004 is left at the end.",
)

_REAL = Number(25, {64: "this counts the 8×8 map itself."}, "at how many places does 4×4 fit into 8×8?", "(8 − 4 + 1)²")
_FAKE = Number(1, {16: "this counts the 4×4 map itself."}, "how often does 4×4 fit into 4×4?", "(4 − 4 + 1)²")
two_sizes = Exercise(
    "Two sizes, no error",
    Several({"real": _REAL, "fake": _FAKE}),
    right="D judges patches of real pictures against whole fakes, and tells them apart by the scale alone.",
)
