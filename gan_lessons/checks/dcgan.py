"""The exercises of the lesson "A DCGAN on CIFAR-10"."""

import keras
import numpy as np
from keras import layers

from gan_lessons.checks import Exercise
from gan_lessons.checks.kinds import Choice, Network, Number, Several
from gan_lessons.validation import last_activation


def _count(right, mistakes, nudge, formula):
    return Number(right, mistakes, nudge, formula, room=1e-6)


# --- 1. sizes -------------------------------------------------------------------------------------


def _size(n, k, s, padding):
    """The width of a transposed convolution's result."""
    overhang = k - s
    shrunk = f"that is what a *convolution* would leave. A transposed one with stride {s} enlarges."
    if padding == "same":
        right, other = n * s, n * s + overhang
        hint = f"{other} is all that is written. 'same' then cuts the overhang of {overhang} off."
    else:
        right, other = n * s + overhang, n * s
        hint = f"the last copy of the kernel ends {overhang} later, and 'valid' cuts nothing off."
    mistakes = {n * s + k: f"{n} copies begin only {n - 1} strides after the first.", other: hint}
    if s > 1:
        mistakes = {-(-n // s): shrunk, (n - k) // s + 1: shrunk} | mistakes
    return _count(
        right,
        mistakes,
        nudge="the first copy of the kernel begins at pixel 0. Where does the last one begin, and where does it end?",
        formula="'valid': (n − 1)·s + k; 'same': n·s",
    )


output_sizes = Exercise(
    "Sizes of transposed convolutions",
    Several(
        {
            f"n={n}, k={k}, s={s}, {padding}": _size(n, k, s, padding)
            for n, k, s, padding in ((7, 4, 2, "same"), (7, 4, 2, "valid"), (1, 4, 1, "valid"), (8, 5, 4, "same"))
        }
    ),
    right="with 'same' the kernel does not matter; with 'valid' it is (n − 1)·s + k. n=1, k=4, 'valid' is how many "
    "DCGANs go from 1×1 to 4×4.",
)

# --- 2. the overlap -------------------------------------------------------------------------------

_PAIRS = [(2, 2), (3, 3), (4, 3), (5, 2), (6, 2), (6, 4), (6, 3)]


def _overlap(k, s):
    counts = [len(range(remainder, k, s)) for remainder in range(s)]
    if k % s:
        hint = f"uneven: going through the {s} kinds of output pixels, {counts} kernel positions reach each."
    elif k == s:
        hint = "even too: the copies lie side by side. No overlap at all is an even overlap."
    else:
        hint = f"even too: on each line {k // s} kernel positions reach every output pixel."
    return Choice(
        k % s == 0,
        {k % s != 0: hint},
        nudge="count how many kernel positions reach each output pixel.",
        formula="the positions j of the kernel with j ≡ r (mod s) reach pixels of the kind r: as many for each r?",
    )


def _chosen(even):
    return {(k, s): bool(even(k, s)) for k, s in _PAIRS}


even_overlap = Exercise(
    "Even overlap",
    Several(
        {(k, s): _overlap(k, s) for k, s in _PAIRS},
        [
            (_chosen(lambda k, s: k % s), "these are exactly the uneven ones; the question is after the others."),
            (
                _chosen(lambda k, s: k % 2 == 0),
                "you picked the even *kernel sizes*. (4, 3): remainder 0 is met by j = 0 and 3, remainder 1 by j = 1 "
                "alone.",
            ),
        ],
        selection=True,
    ),
    right="the stride has to divide the kernel size. In (2, 2) and (3, 3) the copies do not overlap at all: 1 "
    "everywhere.",
)

# --- 3. weights -----------------------------------------------------------------------------------

_WEIGHTS = 4 * 4 * 256 * 128
_BOTH = "every output channel has a kernel of its own for every input channel: both numbers multiply."
_WORK = "this multiplies by the pixels of the map as well. That gives the *work*; all places share the weights."
layer_weights = Exercise(
    "Weights of a layer",
    _count(
        _WEIGHTS,
        {
            _WEIGHTS
            + 128: "this counts 128 biases; a layer before a BatchNorm has no bias, since that would subtract it again.",
            4 * 256 * 128: "the kernel is 4 pixels high *and* 4 wide.",
            4 * 4 * 256: _BOTH,
            4 * 4 * 128: _BOTH,
            4 * 4 * (256 + 128): "the channels multiply rather than add: each of 128 outputs looks at all 256 inputs.",
            _WEIGHTS * 16: _WORK,
            _WEIGHTS * 64: _WORK,
            4
            * 4
            * 256
            * 8
            * 8
            * 128: "this is a dense layer between the two maps. A convolution uses one small kernel at every place.",
        },
        nudge="a kernel is an array. What are its four axes, and how many numbers are in it?",
        formula="height · width · out channels · in channels",
    ),
    right="4·4·256·128. The size of the map does not come into it: every place uses the same kernel. A dense layer "
    "from 4×4×256 to 8×8×128 would have 33,554,432.",
)

# --- 4. a generator for 64×64 ---------------------------------------------------------------------


def _generator_64():
    def init():
        return keras.initializers.RandomNormal(0.0, 0.02)

    x = latents = keras.Input((100,))
    x = layers.Dense(4 * 4 * 16, use_bias=False, kernel_initializer=init())(x)
    x = layers.Reshape((4, 4, 16))(x)
    for filters in (8, 8, 4):
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2DTranspose(filters, 4, 2, "same", use_bias=False, kernel_initializer=init())(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2DTranspose(3, 4, 2, "same", activation="tanh", kernel_initializer=init())(x)
    return keras.Model(latents, x)


def _broken(
    start=4,
    filters=(8, 4, 4, 3),
    latents=100,
    kernel=4,
    stddev=0.02,
    end="tanh",
    bn=4,
    relu=True,
    dense=1,
    enlarge=False,
):
    """A function that makes such a generator with one thing wrong."""

    def make():
        def init():
            return keras.initializers.RandomNormal(0.0, stddev)

        x = inputs = keras.Input((latents,))
        for _ in range(dense):
            x = layers.Dense(start * start * 8, kernel_initializer=init())(x)
        x = layers.Reshape((start, start, 8))(x)
        for index, count in enumerate(filters):
            x = layers.BatchNormalization()(x) if index < bn else x
            x = layers.ReLU()(x) if relu else x
            if enlarge:
                x = layers.Conv2D(count, 3, padding="same", kernel_initializer=init())(layers.UpSampling2D()(x))
            else:
                x = layers.Conv2DTranspose(count, kernel, strides=2, padding="same", kernel_initializer=init())(x)
        x = layers.BatchNormalization()(x) if bn > len(filters) else x
        return keras.Model(inputs, layers.Activation(end)(x))

    return make


def _of(model, *kinds):
    return [layer for layer in model.layers if isinstance(layer, kinds)]


def _makes(model):
    shape = tuple(model.output_shape)
    return shape == (None, 64, 64, 3), shape


def _doublings(model):
    transposed = _of(model, layers.Conv2DTranspose)
    strides = [layer.strides[0] for layer in transposed]
    return strides == [2] * 4, f"{len(transposed)} of them, with strides {strides}"


def _normalised_after_the_end(model):
    last = model.layers.index(_of(model, layers.Conv2DTranspose)[-1])
    return all(model.layers.index(layer) < last for layer in _of(model, layers.BatchNormalization))


def _rectified(model):
    count = sum(
        isinstance(layer, layers.ReLU) or getattr(getattr(layer, "activation", None), "__name__", "") == "relu"
        for layer in model.layers
    )
    return count >= 4, count


def _weights_are_small(model):
    for layer in _of(model, layers.Dense, layers.Conv2DTranspose):
        spread = np.asarray(layer.kernel).std()
        if not 0.01 < spread < 0.03:
            return False, f"Those of the layer {layer.name!r} have a standard deviation of {spread:.3f}"
    return True


generator_64 = Exercise(
    "A generator for 64×64",
    Network(
        _generator_64,
        [
            (
                lambda model: (tuple(model.input_shape) == (None, 100), model.input_shape),
                "it takes latents of shape (batch, 100). Yours takes {}.",
                _broken(latents=50),
            ),
            (
                lambda model: (tuple(model.output_shape)[1:3] != (32, 32), ""),
                "it makes 32×32. Count the doublings: 4 → 8 → 16 → 32 → 64 are four.",
                _broken(filters=(8, 4, 3)),
            ),
            (
                _makes,
                "(None, 64, 64, 3) is to come out: begin at 4×4, double four times, and end with 3 filters. Yours "
                "makes {}.",
                _broken(filters=(8, 4, 4, 1)),
            ),
            (
                lambda model: not _of(model, layers.UpSampling2D, layers.MaxPooling2D, layers.AveragePooling2D),
                "rule 1: no UpSampling2D and no pooling. A transposed convolution with stride 2 learns how to enlarge.",
                _broken(enlarge=True),
            ),
            (
                lambda model: (len(_of(model, layers.Dense)) == 1, len(_of(model, layers.Dense))),
                "rule 3: one dense layer, from the latent to the 4×4 map. Yours has {}.",
                _broken(dense=2),
            ),
            (
                _doublings,
                "4×4 takes four doublings to 64×64, each a Conv2DTranspose with strides=2. Yours has {}. Does it "
                "start at 4×4?",
                _broken(start=8, filters=(8, 4, 3), bn=3),
            ),
            (
                lambda model: all(
                    size % 2 == 0 for layer in _of(model, layers.Conv2DTranspose) for size in layer.kernel_size
                ),
                "an odd kernel with stride 2 overlaps unevenly: a checkerboard to unlearn. Take 4.",
                _broken(kernel=5),
            ),
            (
                lambda model: last_activation(model) == "tanh",
                "rule 4: it has to end in tanh, or its pixels are not held in [−1, 1], where the data is.",
                _broken(end="sigmoid"),
            ),
            (
                _normalised_after_the_end,
                "rule 2: no BatchNorm after the last layer. It would fix the mean and spread of the pixels themselves.",
                _broken(bn=5),
            ),
            (
                lambda model: (
                    len(_of(model, layers.BatchNormalization)) == 4,
                    len(_of(model, layers.BatchNormalization)),
                ),
                "rule 2: a BatchNorm on the 4×4 map and after each transposed convolution but the last: four. Yours "
                "has {}.",
                _broken(bn=3),
            ),
            (
                _rectified,
                "rule 4: a ReLU after each BatchNorm, four in all. Without them it is nearly linear. Yours has {}.",
                _broken(relu=False),
            ),
            (
                _weights_are_small,
                "rule 6: weights from N(0, 0.02). Give each layer "
                "kernel_initializer=keras.initializers.RandomNormal(0.0, 0.02). {}.",
                _broken(stddev=0.1),
            ),
        ],
        formula="Dense to 4×4, then four times BatchNormalization, ReLU, Conv2DTranspose(…, 4, strides=2, "
        "padding='same')",
    ),
    right=lambda model: (
        f"four doublings, {model.count_params():,} weights. Compare gl.networks.dcgan_generator((64, 64, 3), "
        "filters=(…)) with four counts."
    ),
)

# --- 5. two sizes ---------------------------------------------------------------------------------

_STRIDE = "the last layer has stride 1: its kernel moves one place at a time, not four."
two_sizes = Exercise(
    "Two sizes, no error",
    Several(
        {
            "real": _count(
                25,
                {
                    1: "it outputs one logit only for the size that it was made for. How many places has a line of 8?",
                    5: "five along one line; the map has two directions.",
                    64: "this counts the 8×8 map before the last layer. 'valid' keeps only the places where all of "
                    "the 4×4 kernel fits.",
                    4: _STRIDE,
                    16: _STRIDE,
                },
                nudge="64 → 32 → 16 → 8 by the three strides. At how many places does a 4×4 kernel fit into 8×8?",
                formula="(8 − 4 + 1)²",
            ),
            "fake": _count(
                1,
                {16: "this counts the 4×4 map before the last layer. Where does all of a 4×4 kernel fit?"},
                nudge="32 → 16 → 8 → 4 by the three strides. At how many places does a 4×4 kernel fit into 4×4?",
                formula="(4 − 4 + 1)²",
            ),
        },
        [
            (
                {"real": 1, "fake": 25},
                "the right numbers, the wrong way round: which of the two is larger, the data or what G makes?",
            )
        ],
    ),
    right="64 → 32 → 16 → 8, and a 4×4 kernel fits into 8×8 at 5·5 = 25 places; 32 → 16 → 8 → 4 leaves one. A mean "
    "over all logits takes both. D judges patches of real pictures against whole fakes, at two scales, and tells "
    "them apart by that alone. Compare shapes before the first step.",
)
