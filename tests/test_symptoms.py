"""The numbers that findings are made of, against closed forms, and where each of them begins."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from others import Handmade, HandmadeCritic, bumps, small_discriminator
from scipy.spatial.distance import cdist

import gan_lessons as gl
from gan_lessons.doctor import probing, symptoms

IMAGES = bumps(256)
OUTPUTS = (symptoms.UNDECIDED, symptoms.SURE, -symptoms.SURE, *symptoms.OF_LOGITS, *symptoms.OF_PROBABILITIES)


def case_of(kind, steps=2, forced=OUTPUTS, images=IMAGES, **kwargs):
    """A case with some steps, as `diagnose` makes it."""
    gan = kind()
    gan.compile()
    case = symptoms.Case(gan, images, images, **kwargs)
    with probing.Examination(gan) as examination:
        start = examination.state()
        case.steps = [examination.step(tf.constant(images[64 * i : 64 * i + 64])) for i in range(steps)]
        for output in forced:
            examination.rewind(start)
            case.forced[output] = examination.step(tf.constant(images[:64]), output=output)
    return case


# --- which way the losses pull


def test_which_side_is_up_and_which_loss_has_no_end():
    class Reversed(Handmade):
        def d_loss(self, real, fake):
            return super().d_loss(fake, real)

    assert [case_of(kind).direction() for kind in (Handmade, Reversed, HandmadeCritic)] == [1, -1, 1]
    assert [case_of(kind).is_linear() for kind in (Handmade, Reversed, HandmadeCritic)] == [False, False, True]
    assert symptoms.Case(None).direction() == 0 and not symptoms.Case(None).is_linear()


@pytest.mark.parametrize("target", [0.9, 1.0, 1.05, 1.4])
@pytest.mark.parametrize("weight", [1.0, 0.5])
@pytest.mark.parametrize("from_logits", [True, False])
def test_targets_are_found_out(target, weight, from_logits):
    class Smoothed(Handmade):
        def d_loss(self, real, fake):
            on_real, on_fake = self.judge(real), self.judge(fake)
            entropy = keras.losses.BinaryCrossentropy(from_logits=from_logits)
            return weight * (entropy(target * tf.ones_like(on_real), on_real) + entropy(0.0 * on_fake, on_fake))

    case = case_of(Smoothed, probabilities=not from_logits)
    found = symptoms.target_above_one(case)
    assert (found is None) == (target <= 1)
    if found:
        assert found.numbers == pytest.approx({"lowest": target, "highest": target}, abs=1e-3)


def test_a_target_below_zero():
    class Negative(Handmade):
        def d_loss(self, real, fake):
            on_real, on_fake = self.judge(real), self.judge(fake)
            return self.entropy(tf.ones_like(on_real), on_real) + self.entropy(-0.1 * tf.ones_like(on_fake), on_fake)

    assert symptoms.target_above_one(case_of(Negative)).numbers["lowest"] == pytest.approx(-0.1, abs=1e-5)


def test_no_target_where_there_is_none():
    class Squares(Handmade):
        def d_loss(self, real, fake):
            return tf.reduce_mean((self.judge(real) - 1) ** 2) + tf.reduce_mean(self.judge(fake) ** 2)

    for kind in (HandmadeCritic, Squares):
        assert symptoms.target_above_one(case_of(kind)) is None
        assert symptoms.target_above_one(case_of(kind, probabilities=True)) is None


# --- what D is shown


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_told_from_images(seed):
    random = np.random.default_rng(seed)
    order = random.permutation(64)
    scrambled = IMAGES.reshape(-1, 64)[:, order].reshape(IMAGES.shape)
    kinds = {"uniform": random.uniform(-1, 1, IMAGES.shape), "normal": random.normal(size=IMAGES.shape)}
    kinds |= {"few": random.normal(size=(16, 28, 28, 3)), "binary": np.sign(random.normal(size=IMAGES.shape))}
    for name, images in kinds.items():
        assert symptoms.noise_as_real(symptoms.Case(None, None, images)) is not None, name
    digits, _, _ = gl.data.arrays("mnist", "test", examples=64)
    scenes, _, _ = gl.data.arrays("cifar10", "test", examples=64)
    healthy = {"bumps": IMAGES, "scrambled": scrambled, "digits": digits, "scenes": scenes}
    healthy["noisy"] = IMAGES + 0.3 * random.normal(size=IMAGES.shape)
    for name, images in healthy.items():
        assert symptoms.noise_as_real(symptoms.Case(None, None, images)) is None, name


def test_the_range_is_judged_as_given_and_as_shown():
    def find(value_range, images=IMAGES, **kwargs):
        return symptoms.images_out_of_range(symptoms.Case(None, None, images, value_range=value_range, **kwargs))

    assert find((-1, 1)) is None and find(None, 255 * IMAGES) is None and find((0, 1), 0.5 * IMAGES + 0.5) is None
    assert find((-1, 1), 0.5 * IMAGES + 0.5) and find((0, 1)) and find((-1, 1), 1.5 * IMAGES)
    assert find((-1, 1), IMAGES[:, 0, :2, 0] * 0.5 + 0.5) is None, "points may lie where they like"

    class Scales(Handmade):
        def real_images(self, data):
            return data / 127.5 - 1

    given = (IMAGES + 1) * 127.5
    assert symptoms.images_out_of_range(case_of(Scales, images=given, value_range=(-1, 1))) is None
    twice = symptoms.images_out_of_range(case_of(Scales, value_range=(-1, 1)))
    assert twice.numbers == pytest.approx({"low": -1 - 1 / 127.5, "high": -1 + IMAGES.max() / 127.5}, abs=1e-2)


# --- penalties


def test_alpha_is_found_out():
    class Fixed(HandmadeCritic):
        def alpha(self, count):
            return tf.reshape(tf.linspace(-0.5, 1.5, 64), (64, 1, 1, 1))

    found = symptoms.extrapolating_penalty(case_of(Fixed, forced=()))
    alpha = np.linspace(-0.5, 1.5, 64)
    outside = ((alpha < 0) | (alpha > 1)).mean()
    assert found.numbers == pytest.approx({"lowest": -0.5, "highest": 1.5, "outside": outside}, abs=1e-4)
    assert symptoms.extrapolating_penalty(case_of(HandmadeCritic, forced=())) is None


def test_the_slope_of_a_critic():
    case = case_of(HandmadeCritic)
    discriminator = case.gan.discriminator
    # Made linear: LeakyReLU's inputs are all positive, and the slope is that of one vector.
    discriminator.layers[1].kernel.assign(np.full((64, 32), 0.01))
    discriminator.layers[1].bias.assign(np.full(32, 10.0))
    discriminator.layers[3].kernel.assign(np.full((32, 1), 1.0))
    assert symptoms.slack_penalty(case) is None, "not before 200 steps"
    case.trained = 200
    assert symptoms.slack_penalty(case).numbers["slope"] == pytest.approx(0.01 * 32 * 8, rel=1e-5)
    discriminator.layers[3].kernel.assign(np.full((32, 1), 1 / 2.56))
    assert symptoms.slack_penalty(case) is None


# --- samples


@pytest.mark.parametrize("seed", range(5))
def test_copies_are_told_from_new_images(seed):
    random = np.random.default_rng(seed)
    new = bumps(128, seed=seed + 10)
    copies = IMAGES[random.integers(256, size=128)] + 0.01 * random.normal(size=(128, 8, 8, 1))

    def find(samples):
        return symptoms.memorised(symptoms.Case(None, None, IMAGES, samples=samples))

    assert find(new) is None and find(copies) is not None
    pairs = cdist(IMAGES.reshape(256, -1), IMAGES.reshape(256, -1)) + np.diag(np.full(256, np.inf))
    assert find(copies).numbers["images"] == pytest.approx(np.median(pairs[:128].min(1)), rel=1e-6)


# --- gradients that are not finite


def test_a_weight_with_several_turns_in_a_step_counts_once():
    first, second = (probing.Owned(tf.Variable([1.0, 2.0]), "discriminator") for _ in range(2))
    bad, good = tf.constant([1.0, np.nan]), tf.constant([1.0, 2.0])
    turns = [probing.Update(None, [bad, good], [first, second]) for _ in range(5)]
    assert symptoms._not_finite(probing.Step(updates=turns)) == 1
    assert symptoms._not_finite(probing.Step(updates=[*turns, probing.Update(None, [None, bad], [first, second])])) == 2
    assert symptoms._not_finite(probing.Step(updates=[probing.Update(None, [good, None], [first, second])])) == 0


# --- one batch of both kinds


@pytest.mark.parametrize(
    ("layer", "together", "training", "ill"),
    [
        (layers.BatchNormalization, True, True, True),
        (layers.BatchNormalization, False, True, False),
        (layers.BatchNormalization, True, False, False),  # moving statistics: an output depends on one image alone
        (layers.LayerNormalization, True, True, False),
        (functools.partial(layers.BatchNormalization, trainable=False), True, True, False),  # frozen
    ],
)
def test_a_batch_of_both_kinds_is_ill_only_if_outputs_depend_on_it(layer, together, training, ill):
    class Patient(Handmade):
        def __init__(self):
            # With Dropout beside it D is in training mode, whatever the layer.
            super().__init__(None, small_discriminator(extra=[layers.Dropout(0.1), layer(name="norm")]))

        def judge(self, images):
            return self.discriminator(images, training=training)

        def d_loss(self, real, fake):
            if not together:
                return super().d_loss(real, fake)
            answers = self.judge(tf.concat([real, fake], axis=0))
            return self.entropy(tf.constant([[1.0]] * 64 + [[0.0]] * 64), answers)

    found = symptoms.mixed_batch(case_of(Patient, forced=()))
    assert (found is not None) == ill
    if ill:
        assert found.numbers == {"layers": 1, "real": 64, "generated": 64} and "norm" in found.evidence
