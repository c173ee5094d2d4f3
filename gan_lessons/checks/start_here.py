"""The exercises of lesson 00, Start here."""

import numpy as np

from gan_lessons.checks import Hint, exercise


@exercise("From [−1, 1] to pixels")
def to_pixels(function):
    """A function from images in [−1, 1] to pixels 0 … 255 of type uint8."""
    images = np.array([-1.0, -0.5, 0.0, 0.5, 1.0], "float32").reshape(1, 1, 5, 1)
    pixels = function(images)
    if pixels is None or pixels is ...:
        raise Hint("the function returns nothing yet. Does it end in `return …`?")
    pixels = np.asarray(pixels)
    if pixels.shape != images.shape:
        raise Hint(f"the shape must stay as it is. Received {pixels.shape} for images of shape {images.shape}.")
    if pixels.dtype != np.uint8:
        raise Hint(f"pixels are of type uint8; these are {pixels.dtype}. Convert at the very end: .astype('uint8').")
    first, *_, last = pixels.ravel().astype(int)
    if last == 0 and first in (0, 1):
        raise Hint("white, +1, came out as 0: 256 does not fit into uint8 and wraps round. Scale by 127.5, not by 128.")
    if last == 255 and first == 1:
        raise Hint("black, −1, came out as 1: −255 wraps round in uint8. Shift before you scale: (images + 1) * 127.5.")
    if last == 255 and first == 0 and abs(int(pixels.ravel()[2]) - 127) > 1:
        raise Hint("the ends are right but 0, which is grey, did not become 127. Nothing below 0 may be cut off.")
    if not np.all(np.abs(pixels.ravel().astype(int) - [0, 63.75, 127.5, 191.25, 255]) <= 1):
        raise Hint("−1 must become 0, 0 must become 127, and 1 must become 255: shift to [0, 2], then scale by 127.5.")
    return "exactly what `gl.plotting` does before it shows an image. The way back is `pixels / 127.5 - 1`."


@exercise("The way between two latents")
def between(function):
    """A function `between(start, end, t)`: the latent at the fraction t of the straight way from start to end."""
    random = np.random.default_rng(0)
    start, end = random.normal(size=(2, 32)).astype("float32")
    results = [function(start, end, t) for t in (0.0, 0.25, 1.0)]
    if any(result is None or result is ... for result in results):
        raise Hint("the function returns nothing yet. Does it end in `return …`?")
    results = [np.asarray(result, "float32") for result in results]
    if any(result.shape != (32,) for result in results):
        raise Hint(f"a latent in between is a latent: it has shape (32,). Received {results[0].shape}.")
    if np.allclose(results[0], end, atol=1e-4) and np.allclose(results[2], start, atol=1e-4):
        raise Hint("the way is walked backwards: t = 0 is to give `start`, and t = 1 is to give `end`.")
    if not np.allclose(results[0], start, atol=1e-4):
        raise Hint("at t = 0 nothing of `end` may be left: its weight must be t.")
    if not np.allclose(results[2], end, atol=1e-4):
        raise Hint("at t = 1 nothing of `start` may be left: its weight must be 1 − t. The two weights add up to 1.")
    if not np.allclose(results[1], 0.75 * start + 0.25 * end, atol=1e-4):
        raise Hint("the ends are right, but at t = ¼ the latent is to be ¾·start + ¼·end: the straight way.")
    return "(1 − t)·start + t·end. Lesson 02 shows why a bent way, along a sphere, suits Gaussian latents better."


@exercise("Latents of a given length")
def with_length(function):
    """A function `with_length(latents, length)`: a batch of latents, each stretched or shortened to that length."""
    latents = np.random.default_rng(0).normal(size=(5, 32)).astype("float32")
    latents *= np.array([[0.5], [1.0], [2.0], [3.0], [4.0]], "float32")
    length = 6.0
    try:
        result = function(latents.copy(), length)
    except ValueError as error:
        if "broadcast" in str(error):
            raise Hint(
                "five lengths do not divide five rows of 32 by themselves: keep the axis, keepdims=True."
            ) from None
        raise
    if result is None:
        raise Hint("the function returns nothing yet. Does it end in `return …`?")
    result = np.asarray(result, "float32")
    if result.shape != latents.shape:
        raise Hint(f"the shape must stay as it is. Received {result.shape} for latents of shape {latents.shape}.")
    lengths = np.linalg.norm(result, axis=1)
    if np.allclose(lengths, length, rtol=1e-3):
        if not np.allclose(result, latents / np.linalg.norm(latents, axis=1, keepdims=True) * length, atol=1e-3):
            raise Hint(
                "the lengths are right, and the directions have changed. Multiply each row by a positive number."
            )
        return "divide by the length that it has, multiply by the length that it shall have."
    if np.allclose(lengths, 1, rtol=1e-3):
        raise Hint("each latent has length 1 now. Multiply by `length`.")
    if np.allclose(result, latents * length, rtol=1e-3):
        raise Hint("each latent became 6 times as long as it was. Divide by the length that it has first.")
    if np.isclose(np.linalg.norm(result), length, rtol=1e-3):
        raise Hint(
            "the whole array has length 6, its rows have not. Measure each row: np.linalg.norm(latents, axis=1, …)."
        )
    if np.allclose(np.linalg.norm(result, axis=0), length, rtol=1e-3):
        raise Hint("axis=0 runs down the batch. A latent is a row: measure along axis=1.")
    raise Hint(f"a length of {length:g} was asked for. The lengths of the rows are {np.round(lengths, 2)}.")


@exercise("Half-way is shorter")
def halfway_length(answer):
    """The length of the latent half-way between two latents of length 10 that are at right angles."""
    value = float(np.asarray(answer, "float64").reshape(()))
    if 7.0 <= value <= 7.15:
        return (
            "√50 ≈ 7.07, half the diagonal of a square of side 10. Read off the curve how sure the classifier is there."
        )
    if np.isclose(value, 10):
        raise Hint(
            "10 would be so if both pointed in the same direction. Draw them at right angles, and look half-way."
        )
    if np.isclose(value, 5):
        raise Hint("5 is half of one of them alone. The other, at right angles to it, adds to the length.")
    if 14 <= value <= 14.2:
        raise Hint("14.1 is how long their sum is, and how far apart they are. Half-way is half of the sum.")
    if np.isclose(value, 50):
        raise Hint("50 is the square of the length.")
    if np.isclose(value, 0):
        raise Hint("0 would be so if they pointed in opposite directions.")
    raise Hint("half-way lies (start + end) / 2. Of two arrows of length 10 at right angles: use Pythagoras.")
