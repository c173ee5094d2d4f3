"""The exercises of the lesson "Watch a GAN learn"."""

import numpy as np

from gan_lessons.checks import Hint, exercise


def _number(answer):
    """An answer as a float: a Python or NumPy number, a tensor, or an array of one element."""
    value = np.asarray(answer, "float64")
    if value.size != 1:
        raise Hint(f"one number is asked for. Received {value.size} of them.")
    return float(value.reshape(()))


@exercise("The length of an arrow")
def arrow_length(answer):
    """The length of (1 − σ(D))·∇D where the logit is 0 and ∇D = (0, 2)."""
    value = _number(answer)
    if np.isclose(value, 1.0, atol=0.005):
        return "half of ∇D's length, since σ(0) = ½. Where D is sure of a fake, the factor is nearly 1."
    if np.isclose(value, 2.0, atol=0.005):
        raise Hint("2 is the length of ∇D. The factor 1 − σ(D(x)) shortens it: what is σ(0)?")
    if np.isclose(value, 0.5, atol=0.005):
        raise Hint("½ is the factor 1 − σ(0). Multiply ∇D by it.")
    if value < 0:
        raise Hint("a length is not negative. The arrow points along ∇D, upwards on D's hill.")
    raise Hint("the arrow is (1 − σ(D(x)))·∇D(x). Compute σ(0) = 1/(1 + e⁰), then the length of ∇D = (0, 2).")


@exercise("A number for mode collapse")
def largest_share(function):
    """A function `largest_share(fakes, modes)`: the share of fakes whose nearest mode is the most popular one."""
    random = np.random.default_rng(0)
    corners = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    line = np.arange(5.0)[:, None] * [1.0, 2.0]
    for modes, counts in [(corners, (2, 7, 1)), (line, (3, 3, 12, 4, 3))]:
        fakes = np.repeat(modes, counts, axis=0) + 0.1 * random.normal(size=(sum(counts), 2))
        value = function(fakes.astype("float32"), modes)
        if value is None:
            raise Hint("the function returns nothing yet. Does it end in `return …`?")
        value, right = _number(value), max(counts) / sum(counts)
        if np.isclose(value, right, atol=1e-3):
            continue
        if np.isclose(value, max(counts)):
            raise Hint("that is how many fakes the mode has. A share is divided by the number of all fakes.")
        if np.isclose(value, min(counts) / sum(counts), atol=1e-3):
            raise Hint("that is the share of the *least* popular mode: use max.")
        if np.isclose(value, counts[0] / sum(counts), atol=1e-3):
            raise Hint("that is the share of mode 0, whichever is the most popular.")
        if np.isclose(value, int(np.argmax(counts))):
            raise Hint("that is the number of the most popular mode, not its share.")
        if np.isclose(value, max(counts) / len(counts), atol=1e-3):
            raise Hint("you divided by the number of modes. A share is divided by the number of fakes.")
        raise Hint(
            "find each fake's nearest mode: np.linalg.norm(fakes[:, None] - modes, axis=2).argmin(axis=1). Then count "
            f"them with np.bincount. For fakes that fall as {counts} the share is {right:.2f}; yours is {value:.2f}."
        )
    return "1 for a generator that has collapsed, about ⅛ for one that has learnt the ring."


@exercise("The two losses, when D is sure")
def ratio_of_arrows(answer):
    """(1 − σ)/σ at σ = 0.01: how many times longer the non-saturating arrow is than the minimax one."""
    value = _number(answer)
    if np.isclose(value, 99, atol=0.5):
        return "0.99 against 0.01. The two losses have arrows of one direction and of very different lengths."
    if np.isclose(value, 1 / 99, atol=1e-3):
        raise Hint("that is the minimax arrow divided by the other: turn the fraction round.")
    if np.isclose(value, 100, atol=0.4):
        raise Hint("the factor of the non-saturating loss is 1 − 0.01, not 1.")
    if np.isclose(value, 0.98, atol=0.005):
        raise Hint("that is the difference of the two factors. *How many times* asks for their quotient.")
    if np.isclose(value, 1, atol=1e-3):
        raise Hint("the two are equal only where D cannot tell, at σ = ½.")
    raise Hint("both arrows are ∇D times a factor: 1 − σ for the one, σ for the other. Divide the factors at σ = 0.01.")
