"""The exercises of lesson 00, Start here."""

import numpy as np

from gan_lessons.checks import Exercise
from gan_lessons.checks.functions import NOTHING, Function, on
from gan_lessons.checks.kinds import Choice, Hint, Number

latent_shape = Exercise(
    "The shape of the latents",
    Choice(
        (16, 100),
        {
            (100, 16): "these are 100 latents of 16 numbers. The batch comes first: one *row* for each image.",
            (16, 784): "784 numbers are what comes out, 28 × 28 pixels. Print generator.input_shape for what goes in.",
            (16, 28, 28, 1): "that is the shape of images. A latent is a vector; the generator makes the image of it.",
            (1, 100): "that is the latent of one image; 16 are asked for.",
            (100,): "that is one latent without its batch axis. Even a single latent is a batch, of shape (1, 100).",
        },
        nudge="two sizes are needed: how many latents, and how long each of them is.",
        formula="(number of images, generator.input_shape[1])",
    ),
    right="one row an image, 100 numbers in each. The first axis is the batch, here and in every lesson.",
)

numbers_made = Exercise(
    "How much a generator invents",
    Number(
        784 / 100,
        {
            784: "784 is what comes out of it for one latent. Divide by how many numbers went in.",
            100 / 784: "that is numbers in for each pixel out: the other way round.",
            28 / 100: "an image has 28 rows *and* 28 columns.",
            684: "do not subtract: the question is how many pixel values there are *for each* number.",
        },
        nudge="count the pixel values of an image and the numbers of a latent, and divide.",
        formula="28 · 28 · 1 pixel values / generator.input_shape[1] numbers",
    ),
    right="784 pixel values from 100 numbers. What the other 684 are to be, it has learnt from its opponent.",
)


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
    right="(1 − t)·start + t·end. Lesson 02 shows why a bent way, along a sphere, suits Gaussian latents better.",
)
