"""The exercises of lesson 00, Start here."""

import numpy as np

from gan_lessons.checks import Hint, exercise


@exercise("The shape of the latents")
def latent_shape(answer):
    """The shape of the latents from which a generator with latents of 100 numbers makes 16 images."""
    try:
        shape = tuple(int(size) for size in answer)
    except TypeError:
        raise Hint("a shape is a tuple of two numbers, such as (3, 5): how many, and how long each is.") from None
    if shape == (16, 100):
        return "one row an image, 100 numbers in each. The first axis is the batch, here and in every lesson."
    if shape == (100, 16):
        raise Hint("these are 100 latents of 16 numbers. The batch comes first: one *row* for each image.")
    if shape == (16, 784):
        raise Hint("784 numbers are what comes out, 28 × 28 pixels. Print generator.input_shape for what goes in.")
    if len(shape) > 2:
        raise Hint("that looks like the shape of images. A latent is a vector; the generator makes the image of it.")
    raise Hint("two sizes are needed: the number of images, then generator.input_shape[1].")


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


@exercise("How much a generator invents")
def numbers_made(answer):
    """How many pixel values the shipped generator makes from each number of its latent."""
    value = float(answer)
    if np.isclose(value, 7.84):
        return "784 pixel values from 100 numbers. What the other 684 are to be, it has learnt from its opponent."
    if np.isclose(value, 784):
        raise Hint("784 is what comes out of it for one latent. Divide by how many numbers went in.")
    if np.isclose(value, 100 / 784):
        raise Hint("that is numbers in for each pixel out: the other way round.")
    if np.isclose(value, 28 / 100):
        raise Hint("an image has 28 rows *and* 28 columns.")
    raise Hint("an image is 28 × 28 × 1 pixel values; a latent is generator.input_shape[1] numbers. Divide.")
