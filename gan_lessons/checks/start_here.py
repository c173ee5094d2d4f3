"""The exercises of the lesson "Start here"."""

import numpy as np

from gan_lessons.checks import Exercise
from gan_lessons.checks.functions import Function, on
from gan_lessons.checks.kinds import Number


def _pixels(*values):
    images = np.float32(values).reshape(1, 1, -1, 1)
    return lambda function: (pixels := function(images), 255 * (getattr(pixels, "dtype", None) == np.uint8))


def _to_pixels(images):
    return ((images + 1) * 127.5).astype("uint8")


to_pixels = Exercise(
    "From [−1, 1] to pixels",
    Function(
        _to_pixels,
        [_pixels(-1, -0.5, 0, 0.5, 1), _pixels(0.9, -0.2, -1)],
        {
            "(images + 1) * 127.5": "pixels are of type uint8. Convert at the very end: .astype('uint8').",
            "((images + 1) * 128).astype('int64').astype('uint8')": "white, 1, became 0: 256 does not fit into uint8.",
            "(images * 255).astype('int64').astype('uint8')": "black, −1, became 1. Shift before you scale.",
        },
        nudge="−1 must become 0, 0 must become 127, 1 must become 255, and the shape must stay.",
        formula="shift to [0, 2], scale by 127.5: (images + 1) * 127.5",
        room=1.0,  # cut or rounded: both will do
    ),
    right="`gl.plotting` computes exactly this before it shows an image. The way back is `pixels / 127.5 - 1`.",
)


def _between(start, end, t):
    return (1 - t) * start + t * end


_LATENTS = [np.random.default_rng(seed).normal(size=(2, 32)).astype("float32") for seed in (0, 1)]
between = Exercise(
    "The way between two latents",
    Function(
        _between,
        [on(start, end, t) for start, end in _LATENTS for t in (0.0, 1.0, 0.25)],
        {
            "t * start + (1 - t) * end": "this goes backwards: t = 0 must give `start`, and t = 1 must give `end`.",
            "start + t * end": "at t = 1 nothing of `start` may be left: the two weights add up to 1.",
        },
        nudge="at t = 0 it must give `start`, at t = 1 `end`, and go straight in between.",
        formula="a weight of 1 − t for `start` and of t for `end`",
    ),
    right="(1 − t)·start + t·end. The lesson “An MLP GAN on MNIST” shows why a curved way suits them better.",
)


def _with_length(latents, length):
    return latents / np.linalg.norm(latents, axis=1, keepdims=True) * length


with_length = Exercise(
    "Latents of a given length",
    Function(
        _with_length,
        [on(_LATENTS[0] / 2, 6.0), on(_LATENTS[1] * np.float32([[0.5], [3]]), 2.5)],
        {
            "latents * length": "each latent became `length` times as long as it was. Divide by its own length first.",
            "latents / np.linalg.norm(latents) * length": "you divided by the length of the whole batch. Use axis=1.",
        },
        nudge="each row must get the length asked for, in the direction that it has.",
        formula="latents / np.linalg.norm(latents, axis=1, keepdims=True) * length",
    ),
    right="divide by the length that the latent has, multiply by the length that it must get.",
)

halfway_length = Exercise(
    "The length half-way",
    Number(
        50**0.5,
        {10: "10 is right for two of the same direction.", 200**0.5: "that is the sum. Half-way is half of it."},
        nudge="half-way lies (start + end) / 2. Of two arrows of length 10 at right angles: use Pythagoras.",
        formula="√(10² + 10²) / 2",
    ),
    right="√50 ≈ 7.07, half the diagonal of a square of side 10. Read off the curve how sure the classifier is there.",
)
