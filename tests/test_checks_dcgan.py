"""Lesson 03's exercises against right answers, plausible wrong ones, and blanks."""

import keras
import pytest
from keras import layers

from gan_lessons import checks, networks
from gan_lessons.checks import dcgan

SIZES = {
    "n=7, k=4, s=2, same": 14,
    "n=7, k=4, s=2, valid": 16,
    "n=1, k=4, s=1, valid": 4,
    "n=8, k=5, s=4, same": 32,
}


def generator(
    start=4,
    filters=(8, 4, 4, 3),
    kernel=4,
    stddev=0.02,
    activation="tanh",
    bn=4,
    relu=True,
    dense=1,
    upsampling=False,
):
    """A generator for 64×64 with one thing wrong at a time."""

    def init():
        return keras.initializers.RandomNormal(0.0, stddev) if stddev else "glorot_uniform"

    x = latents = keras.Input((100,))
    for _ in range(dense):
        x = layers.Dense(start * start * 8, kernel_initializer=init())(x)
    x = layers.Reshape((start, start, 8))(x)
    for index, count in enumerate(filters):
        if index < bn:
            x = layers.BatchNormalization()(x)
        if relu:
            x = layers.ReLU()(x)
        if upsampling:
            x = layers.Conv2D(count, 3, padding="same", kernel_initializer=init())(layers.UpSampling2D()(x))
        else:
            x = layers.Conv2DTranspose(count, kernel, strides=2, padding="same", kernel_initializer=init())(x)
    if bn > len(filters):
        x = layers.BatchNormalization()(x)
    return keras.Model(latents, layers.Activation(activation)(x))


RIGHT = [
    ("output_sizes", (SIZES,)),
    ("even_overlap", ([(2, 2), (3, 3), (6, 2), (6, 3)],)),
    ("even_overlap", ({(6, 3), (6, 2), (3, 3), (2, 2)},)),
    ("layer_weights", (524288,)),
    ("layer_weights", (4 * 4 * 256 * 128,)),
    ("generator_64", (lambda: networks.dcgan_generator((64, 64, 3), filters=(16, 8, 8, 4)),)),
    ("generator_64", (generator,)),
    ("two_sizes", (25, 1)),
]

# Each wrong answer, and a word of the hint that says why it is wrong.
WRONG = [
    ("output_sizes", ([14, 16, 4, 32],), "dictionary"),
    ("output_sizes", (SIZES | {"n=7, k=4, s=2, same": 4},), "*convolution*"),
    ("output_sizes", (SIZES | {"n=7, k=4, s=2, same": 16},), "cuts the overhang of 2"),
    ("output_sizes", (SIZES | {"n=7, k=4, s=2, valid": 14},), "2 later"),
    ("output_sizes", (SIZES | {"n=7, k=4, s=2, valid": 18},), "(n − 1)·s + k"),
    ("output_sizes", (SIZES | {"n=1, k=4, s=1, valid": 1},), "3 later"),
    ("output_sizes", (SIZES | {"n=8, k=5, s=4, same": 33},), "cuts the overhang of 1"),
    ("output_sizes", (SIZES | {"n=8, k=5, s=4, same": 100},), "not 100"),
    ("output_sizes", (SIZES | {"n=8, k=5, s=4, same": ...},), "nothing stands"),
    ("even_overlap", ([(2, 2), (4, 3), (6, 2), (6, 4), (6, 3)],), "even *kernel sizes*"),
    ("even_overlap", ([(4, 3), (5, 2), (6, 4)],), "uneven ones"),
    ("even_overlap", ([(6, 2), (6, 3)],), "No overlap at all"),
    ("even_overlap", ([(2, 2), (3, 3), (6, 2)],), "(6, 3) is even too"),
    ("even_overlap", ([(2, 2), (3, 3), (6, 2), (6, 3), (6, 4)],), "[2, 2, 1, 1]"),
    ("even_overlap", ([(4, 2)],), "not among"),
    ("even_overlap", (4,), "list of pairs"),
    ("layer_weights", (524288 + 128,), "biases"),
    ("layer_weights", (4 * 256 * 128,), "high *and*"),
    ("layer_weights", (16 * 256,), "every input channel"),
    ("layer_weights", (16 * (256 + 128),), "multiply rather than add"),
    ("layer_weights", (524288 * 64,), "shared by all places"),
    ("layer_weights", (524288 * 16,), "shared by all places"),
    ("layer_weights", (7,), "how many numbers"),
    ("generator_64", (lambda: "G",), "Received str"),
    ("generator_64", (lambda: networks.dcgan_generator((32, 32, 3), filters=(8, 4, 4)),), "four"),
    ("generator_64", (lambda: networks.dcgan_generator((64, 64, 1), filters=(8, 4, 4, 4)),), "3 filters"),
    ("generator_64", (lambda: networks.dcgan_generator((64, 64, 3), 50, (8, 4, 4, 4)),), "(batch, 100)"),
    ("generator_64", (lambda: networks.mlp_generator((64, 64, 3), units=(8,)),), "rule 3"),
    ("generator_64", (lambda: generator(start=8, filters=(8, 4, 3), bn=3),), "Does it start at 4×4?"),
    ("generator_64", (lambda: generator(upsampling=True),), "no UpSampling2D"),
    ("generator_64", (lambda: generator(dense=2),), "Yours has 2"),
    ("generator_64", (lambda: generator(kernel=3),), "checkerboard"),
    ("generator_64", (lambda: generator(kernel=5),), "checkerboard"),
    ("generator_64", (lambda: generator(activation="sigmoid"),), "tanh"),
    ("generator_64", (lambda: generator(bn=3),), "rule 2"),
    ("generator_64", (lambda: generator(bn=5),), "after the last layer"),
    ("generator_64", (lambda: generator(relu=False),), "ReLU after each"),
    ("generator_64", (lambda: generator(stddev=None),), "rule 6"),
    ("two_sizes", (1, 25), "wrong way round"),
    ("two_sizes", (1, 1), "8 − 4 + 1"),
    ("two_sizes", (5, 1), "two directions"),
    ("two_sizes", (64, 1), "before the last layer"),
    ("two_sizes", (4, 1), "stride 1"),
    ("two_sizes", (25, 4), "begin with the fake"),
    ("two_sizes", (9, 1), "into 8×8"),
]


def ask(name, answers):
    """The outcome; networks are given as functions, so that they are only built when it is their turn."""
    return getattr(dcgan, name)(*(answer() if callable(answer) else answer for answer in answers))


@pytest.mark.parametrize("name, answers", RIGHT)
def test_right_answers(name, answers):
    outcome = ask(name, answers)
    assert outcome.status == "right", str(outcome)
    assert len(outcome.message) > 20


@pytest.mark.parametrize("name, answers, reason", WRONG)
def test_wrong_answers_get_the_hint_that_fits(name, answers, reason):
    outcome = ask(name, answers)
    assert outcome.status == "wrong"
    assert reason in outcome.message, str(outcome)


@pytest.mark.parametrize(
    "name, blank",
    [
        ("output_sizes", (dict.fromkeys(SIZES, ...),)),
        ("even_overlap", (...,)),
        ("layer_weights", (...,)),
        ("generator_64", (None,)),
        ("two_sizes", (..., ...)),
    ],
)
def test_blanks_say_so(name, blank):
    assert getattr(dcgan, name)(*blank).status == "blank"


def test_the_mark_counts_them(capsys):
    for name, answers in RIGHT:
        ask(name, answers)
    assert checks.report("dcgan") == (5, 5)
    dcgan.layer_weights(1)
    assert checks.report("dcgan") == (4, 5)
    assert set(checks.exercises("dcgan")) == {name for name, _ in RIGHT}
    capsys.readouterr()


@pytest.mark.parametrize("nonsense", ["x", 3.5, [], object(), (1, 2, 3)])
@pytest.mark.parametrize("name", ["output_sizes", "even_overlap", "layer_weights", "generator_64"])
def test_nonsense_never_raises(name, nonsense):
    assert getattr(dcgan, name)(nonsense).status == "wrong"
