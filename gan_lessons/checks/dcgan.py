"""The exercises of lesson 03, A DCGAN on CIFAR-10."""

import numpy as np

from gan_lessons.checks import Hint, exercise, is_blank


@exercise("Sizes of transposed convolutions")
def output_sizes(answers):
    """A dictionary from "n=7, k=4, s=2, same" to the width that comes out."""
    if not isinstance(answers, dict):
        raise Hint("keep the dictionary as it stands in the cell and replace the dots behind each colon.")
    for question, answer in answers.items():
        if is_blank(answer):
            raise Hint(f"nothing stands behind {question!r} yet.")
        numbers, padding = question.rsplit(", ", 1)
        n, k, s = (int(part.split("=")[1]) for part in numbers.split(", "))
        overhang = max(k - s, 0)
        right = n * s if padding == "same" else n * s + overhang
        if answer == right:
            continue
        if answer in (-(-n // s), (n - k) // s + 1) and s > 1:
            raise Hint(
                f"{question}: {answer} is what a *convolution* would leave. A transposed one with stride {s} enlarges."
            )
        if padding == "same" and answer == n * s + overhang:
            raise Hint(f"{question}: {answer} is all that is written. 'same' then cuts the overhang of {overhang} off.")
        if padding == "valid" and answer == n * s:
            raise Hint(
                f"{question}: the last copy of the kernel begins at pixel {(n - 1) * s} and is {k} long: "
                f"it ends {overhang} later than you say, and 'valid' cuts nothing off."
            )
        if padding == "valid" and answer == n * s + k:
            raise Hint(f"{question}: {n} copies begin only {n - 1} strides after the first: (n − 1)·s + k.")
        raise Hint(
            f"{question}: it is not {answer}. The first copy begins at pixel 0; where does the last one begin and end?"
        )
    return (
        "with 'same' the kernel does not matter; with 'valid' (n − 1)·s + k. n=1, k=4, 'valid' is how "
        "many DCGANs go from 1×1 to 4×4."
    )


@exercise("Even overlap")
def even_overlap(answer):
    """The pairs (kernel, stride) out of seven whose overlap is even inside the picture."""
    offered = [(2, 2), (3, 3), (4, 3), (5, 2), (6, 2), (6, 4), (6, 3)]
    try:
        chosen = {(int(k), int(s)) for k, s in answer}
    except (TypeError, ValueError):
        raise Hint("the answer is a list of pairs, such as [(2, 2), (4, 3)].") from None
    if not chosen <= set(offered):
        raise Hint(f"{sorted(chosen - set(offered))[0]} is not among the pairs in question.")
    even = {(k, s) for k, s in offered if k % s == 0}
    if chosen == even:
        return (
            "the stride has to divide the kernel size. In (2, 2) and (3, 3) the copies do not overlap at "
            "all: 1 everywhere."
        )
    if chosen == {(k, s) for k, s in offered if k % 2 == 0}:
        raise Hint(
            "you picked the even *kernel sizes*. (4, 3): remainder 0 is met by j = 0 and 3, remainder 1 by j = 1 alone."
        )
    if chosen == set(offered) - even:
        raise Hint("these are exactly the uneven ones; the question is after the others.")
    missing, wrong = sorted(even - chosen), sorted(chosen - even)
    if wrong:
        k, s = wrong[0]
        counts = [len(range(remainder, k, s)) for remainder in range(s)]
        raise Hint(
            f"({k}, {s}) is uneven: going through the {s} kinds of output pixels, {counts} kernel "
            "positions reach each, "
            "on every line. Is each of your pairs divisible?"
        )
    k, s = missing[0]
    if k == s:
        raise Hint(f"({k}, {s}) is even too: the copies lie side by side. No overlap at all is an even overlap.")
    raise Hint(f"({k}, {s}) is even too: on each line {k // s} kernel positions reach every output pixel.")


@exercise("Weights of a layer")
def layer_weights(answer):
    """The number of weights of a 4×4 transposed convolution from 256 channels to 128, without a bias."""
    k, channels_in, channels_out = 4, 256, 128
    right = k * k * channels_in * channels_out
    if answer == right:
        return (
            "4·4·256·128. The size of the map does not come into it: every place uses the same kernel. "
            "A dense layer from 4×4×256 to 8×8×128 would have 33,554,432."
        )
    if answer == right + channels_out:
        raise Hint("this counts 128 biases; before a BatchNorm there are none, since it would subtract them again.")
    if answer == k * channels_in * channels_out:
        raise Hint("the kernel is 4 pixels high *and* 4 wide.")
    if answer in (k * k * channels_in, k * k * channels_out):
        raise Hint("every output channel has a kernel of its own for every input channel: both numbers multiply.")
    if answer == k * k * (channels_in + channels_out):
        raise Hint("the channels multiply rather than add: each of the 128 outputs looks at all of the 256 inputs.")
    if answer in (right * 16, right * 64):
        raise Hint(
            "this multiplies by the pixels of the map as well. That gives the *work*; the weights are "
            "shared by all places."
        )
    if answer == 4 * 4 * channels_in * 8 * 8 * channels_out:
        raise Hint("this is a dense layer between the two maps. A convolution uses one small kernel at every place.")
    raise Hint("a kernel is an array (height, width, out channels, in channels); how many numbers are in it?")


@exercise("A generator for 64×64")
def generator_64(model):
    """A Keras model from latents of length 100 to images 64×64×3, by the DCGAN rules."""
    from keras import layers

    if not hasattr(model, "layers") or not hasattr(model, "output_shape"):
        raise Hint(
            f"the function is to return a Keras model: keras.Model(latents, x). Received {type(model).__name__}."
        )
    if tuple(model.input_shape) != (None, 100):
        raise Hint(f"it takes latents of shape (batch, 100). Yours takes {model.input_shape}.")
    if tuple(model.output_shape) != (None, 64, 64, 3):
        advice = "begin at 4×4; a Conv2DTranspose with strides=2, padding='same' doubles; the last has 3 filters."
        if tuple(model.output_shape)[1:3] == (32, 32):
            advice = "count the doublings: 4 → 8 → 16 → 32 → 64 are four."
        raise Hint(f"it makes {model.output_shape}, and is to make (None, 64, 64, 3): {advice}")

    def of(*kinds):
        return [layer for layer in model.layers if isinstance(layer, kinds)]

    if enlarging := of(layers.UpSampling2D, layers.MaxPooling2D, layers.AveragePooling2D):
        raise Hint(
            f"rule 1: no {type(enlarging[0]).__name__}. A transposed convolution with stride 2 learns how to enlarge."
        )
    if len(of(layers.Dense)) != 1:
        raise Hint(f"rule 3: one dense layer, from the latent to the 4×4 map. Yours has {len(of(layers.Dense))}.")
    transposed = of(layers.Conv2DTranspose)
    if len(transposed) != 4 or any(tuple(layer.strides) != (2, 2) for layer in transposed):
        raise Hint(
            "4×4 takes four doublings to 64×64, each a Conv2DTranspose with strides=2. Yours has "
            f"{len(transposed)} of "
            f"them, with strides {[layer.strides[0] for layer in transposed]}. Does it start at 4×4?"
        )
    if uneven := [layer.kernel_size[0] for layer in transposed if layer.kernel_size[0] % 2]:
        raise Hint(f"a kernel of {uneven[0]} with stride 2 overlaps unevenly: a checkerboard to unlearn. Take 4.")
    _check_activations(model, transposed, of(layers.BatchNormalization), layers)
    for layer in [*of(layers.Dense), *transposed]:
        values = np.asarray(layer.kernel)
        if not 0.01 < values.std() < 0.03:
            raise Hint(
                f"rule 6: weights from N(0, 0.02). Those of the layer {layer.name!r} have standard "
                f"deviation {values.std():.3f}. "
                "Give each layer kernel_initializer=keras.initializers.RandomNormal(0.0, 0.02)."
            )
    return (
        f"four doublings, {model.count_params():,} weights. Compare gl.networks.dcgan_generator((64, 64, "
        "3), filters=(…)) with four counts."
    )


def _check_activations(model, transposed, normalisations, layers):
    """Rules 2 and 4, read off the order of the layers."""
    from gan_lessons.validation import last_activation

    if last_activation(model) != "tanh":
        raise Hint("rule 4: it has to end in tanh, or its pixels are not held in [−1, 1], where the data is.")
    last = model.layers.index(transposed[-1])
    if any(model.layers.index(layer) > last for layer in normalisations):
        raise Hint(
            "rule 2: no BatchNorm after the last layer. It would fix the mean and spread of the pixels themselves."
        )
    if len(normalisations) != 4:
        raise Hint(
            "rule 2: a BatchNorm on the 4×4 map and after each transposed convolution but the last: four. "
            f"Yours has {len(normalisations)}."
        )
    rectified = sum(
        isinstance(layer, layers.ReLU) or getattr(getattr(layer, "activation", None), "__name__", "") == "relu"
        for layer in model.layers
    )
    if rectified < 4:
        raise Hint(
            f"rule 4: a ReLU after each BatchNorm, four in all. Yours has {rectified}. Without them it "
            "is nearly linear."
        )


@exercise("Two sizes, no error")
def two_sizes(logits_for_real, logits_for_fake):
    """How many logits a fully convolutional D made for 32×32 answers for a 64×64 and for a 32×32 image."""
    if (logits_for_real, logits_for_fake) == (25, 1):
        return (
            "64 → 32 → 16 → 8, and a 4×4 kernel fits into 8×8 at 5·5 = 25 places; 32 → 16 → 8 → 4 leaves "
            "one. A mean over all "
            "logits takes both. D judges patches of real pictures against whole fakes, at two scales, "
            "and tells them apart by "
            "that alone. Compare shapes before the first step."
        )
    if (logits_for_real, logits_for_fake) == (1, 25):
        raise Hint("the right numbers, the wrong way round: which of the two is larger, the data or what G makes?")
    if (logits_for_real, logits_for_fake) == (1, 1):
        raise Hint(
            "it answers one logit only for the size that it was made for. 'valid' leaves 8 − 4 + 1 "
            "places a line of an 8×8 map."
        )
    if logits_for_fake != 1:
        raise Hint(
            "begin with the fake: 32 → 16 → 8 → 4 by the three strides. At how many places does a 4×4 "
            "kernel fit into 4×4?"
        )
    if logits_for_real == 5:
        raise Hint("five along one line; the map has two directions.")
    if logits_for_real == 64:
        raise Hint(
            "this counts the 8×8 map before the last layer. 'valid' keeps only the places where all of "
            "the 4×4 kernel fits."
        )
    if logits_for_real in (4, 16):
        raise Hint(
            "the strides leave 8×8 of 64×64. The last layer has stride 1: its kernel moves one place at "
            "a time, not four."
        )
    raise Hint(
        "64 → 32 → 16 → 8 by the three strides. At how many places does a 4×4 kernel, moved one by one, fit into 8×8?"
    )
