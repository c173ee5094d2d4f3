"""The exercises of the lesson "Start here"."""

import numpy as np

from gan_lessons.checks import Exercise
from gan_lessons.checks.functions import NOTHING, Function, on
from gan_lessons.checks.kinds import Hint, Number


def _pixels(*values):
    images = np.array(values, "float32").reshape(1, 1, -1, 1)

    def probe(function):
        pixels = function(images)
        if pixels is None:
            raise Hint(NOTHING)
        if np.asarray(pixels).dtype != np.uint8:
            raise Hint(_UINT8)
        return pixels

    return probe


_UINT8 = "pixels are of type uint8. Convert at the very end: .astype('uint8')."


def _to_pixels(images):
    return ((images + 1) * 127.5).astype("uint8")


to_pixels = Exercise(
    "From [−1, 1] to pixels",
    Function(
        _to_pixels,
        [_pixels(-1, -0.5, 0, 0.5, 1), _pixels(0.9, -0.2, -1)],
        {
            "(images + 1) * 127.5": _UINT8,
            "((images + 1) * 128).astype('int64').astype('uint8')": "white, +1, came out as 0: 256 does not fit into "
            "uint8 and wraps round. Scale by 127.5, not by 128.",
            "(images * 255).astype('int64').astype('uint8')": "black, −1, came out as 1: −255 wraps round in uint8. "
            "Shift before you scale.",
            "(images * 127.5 + 127).astype('int64').astype('uint8') + np.uint8(128)": "black and white are near "
            "grey, and grey is black: the values wrap round. Shift first, then scale.",
            "(np.maximum(images, 0) * 255).astype('uint8')": "the ends are right but 0, which is grey, did not "
            "become 127. Nothing below 0 may be cut off.",
            "((images + 1) / 2).astype('uint8')": "the images are in [0, 1], and nearly all of them become 0 when "
            "the decimals go. Scale to 255 first.",
            "((1 - images) * 127.5).astype('uint8')": "black and white have changed places: −1 is black, 0, and 1 is "
            "white, 255.",
        },
        nudge="−1 must become 0, 0 must become 127, and 1 must become 255, and the shape must stay as it is.",
        formula="shift to [0, 2], scale by 127.5: (images + 1) * 127.5",
        room=1.0,  # cut or rounded: both will do
    ),
    right="exactly what `gl.plotting` does before it shows an image. The way back is `pixels / 127.5 - 1`.",
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
            "t * start + (1 - t) * end": "the way is walked backwards: t = 0 is to give `start`, and t = 1 is to "
            "give `end`.",
            "start + t * end": "at t = 1 nothing of `start` may be left. The two weights add up to 1.",
            "start + end": "t does not come into it.",
            "(start + end) / 2": "that is half-way, wherever t is: at t = 0 it is to be `start`.",
            "(1 - t ** 2) * start + t ** 2 * end": "the ends are right, but at t = ¼ a quarter of the way must lie "
            "behind you.",
            "t * (end - start)": "at t = 0 it gives 0: this is the way *from* `start`. Add `start`.",
            "(1 - t) * start.sum() + t * end.sum()": "a latent in between is a latent, of the same shape; this is "
            "one number.",
        },
        nudge="at t = 0 it must give `start`, at t = 1 `end`, and go straight in between.",
        formula="a weight of 1 − t for `start` and of t for `end`",
    ),
    right="(1 − t)·start + t·end. The lesson 'An MLP GAN on MNIST' shows why a bent way, along a sphere, suits "
    "Gaussian latents better.",
)


def _with_length(latents, length):
    return latents / np.linalg.norm(latents, axis=1, keepdims=True) * length


_ROWS = [
    np.random.default_rng(seed).normal(size=(5, 32)).astype("float32")
    * np.array([[0.5], [1], [2], [3], [4]], "float32")
    for seed in (0, 1)
]
with_length = Exercise(
    "Latents of a given length",
    Function(
        _with_length,
        [on(rows.copy(), length) for rows, length in zip(_ROWS, (6.0, 2.5))],
        {
            "latents / np.linalg.norm(latents, axis=1, keepdims=True)": "each latent has length 1 now. Multiply by "
            "`length`.",
            "latents * length": "each latent became `length` times as long as it was. Divide by the length that it "
            "has first.",
            "latents / np.linalg.norm(latents) * length": "the whole array has that length, its rows do not. "
            "Measure each row.",
            "latents / np.linalg.norm(latents, axis=0) * length": "axis=0 runs down the batch. A latent is a row: "
            "measure along axis=1.",
            "-latents / np.linalg.norm(latents, axis=1, keepdims=True) * length": "the lengths are right, and every "
            "latent points the other way. Multiply each row by a positive number.",
            "latents + length": "this shifts each number. The length is that of the whole row: stretch it.",
        },
        nudge="each row must get the length asked for, in the direction that it has.",
        formula="latents / np.linalg.norm(latents, axis=1, keepdims=True) * length",
    ),
    right="divide by the length that it has, multiply by the length that it shall have.",
)

halfway_length = Exercise(
    "Half-way is shorter",
    Number(
        50**0.5,
        {
            10: "10 would be so if both pointed in the same direction. Draw them at right angles, and look half-way.",
            5: "5 is half of one of them alone. The other, at right angles to it, adds to the length.",
            200**0.5: "14.1 is how long their sum is, and how far apart they are. Half-way is half of the sum.",
            50: "50 is the square of the length.",
            0: "0 would be so if they pointed in opposite directions.",
        },
        nudge="half-way lies (start + end) / 2. Of two arrows of length 10 at right angles: use Pythagoras.",
        formula="√(10² + 10²) / 2",
    ),
    right="√50 ≈ 7.07, half the diagonal of a square of side 10. Read off the curve how sure the classifier is there.",
)
