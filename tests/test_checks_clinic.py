"""The patients of the two lessons "The clinic", held against the doctor, the package's GAN and closed forms."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from scipy import optimize

import gan_lessons as gl
from gan_lessons import ward
from gan_lessons.checks import clinic, clinic_silent

ILLNESSES = {
    clinic: ["swapped_labels", "generator_without_gradient", "discriminator_frozen", "images_out_of_range"]
    + ["sigmoid_and_logits"],
    clinic_silent: ["fixed_noise", "target_above_one", "penalty_without_epsilon", "extrapolating_penalty"],
}
PATIENTS = [
    (getattr(lesson, f"patient_{number}"), illness)
    for lesson, illnesses in ILLNESSES.items()
    for number, illness in enumerate(illnesses, start=1)
]
each = pytest.mark.parametrize(("patient", "illness"), PATIENTS, ids=[illness for _, illness in PATIENTS])


@pytest.fixture(scope="module")
def data():
    images, _, _ = gl.data.arrays("standin_digits", examples=640)
    pixels, points = np.round((images + 1) * 127.5).astype("uint8"), gl.toys.ring(std=0.05).sample(1280, seed=0)
    return lambda gan: points if isinstance(gan, ward.SmallWGAN) else pixels


@each
def test_the_doctor_finds_the_illness_in_the_sick_one_and_none_in_the_mended(patient, illness, data):
    sick, mended = patient.sick(), patient.mended(getattr(patient.healthy, patient.method))
    assert gl.diagnose(sick, sick.batches(data(sick))).names == [illness]
    assert gl.diagnose(mended, mended.batches(data(mended))).healthy


@each
def test_a_method_that_is_not_right_is_replaced_by_the_authors(patient, illness, capsys):
    for method in (lambda *arguments: ..., getattr(patient.sick, patient.method)):
        assert type(patient.mended(method)) is patient.healthy
        assert "not right yet" in capsys.readouterr().out
    assert f"def {patient.method}(self" in patient.code.data


def _with_keras(self, real_logits, fake_logits):
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    return entropy(ops.ones_like(real_logits), real_logits) + entropy(ops.zeros_like(fake_logits), fake_logits)


@pytest.mark.parametrize(
    ("patient", "method"),
    [
        (clinic.patient_1, _with_keras),
        (clinic_silent.patient_1, lambda self, count: tf.random.normal((count, self.latent_dim))),
        (clinic_silent.patient_2, clinic_silent._targets(0.9)),
        (clinic_silent.patient_2, clinic_silent._targets(0.9, spread=0.1)),
        (clinic_silent.patient_3, lambda self, g: ops.sqrt(ops.maximum(ops.sum(g**2, axis=1), 1e-12))),
    ],
)
def test_other_right_mends_are_right(patient, method):
    assert patient(method)


def test_the_lowest_losses():
    best = optimize.minimize(lambda t: np.logaddexp(0, -t[0]) + np.logaddexp(0, t[1]), [0.5, 0.5], bounds=[(0, 1)] * 2)
    assert clinic.lowest_loss(best.fun)
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    assert clinic_silent.lowest_loss(entropy([[1.15]], [[1000.0]]))


def test_the_healthy_one_does_what_the_packages_gan_does(data):
    small = ward.SmallGAN()
    copies = [keras.models.clone_model(player) for player in (small.generator, small.discriminator)]
    for copy, player in zip(copies, (small.generator, small.discriminator), strict=True):
        copy.set_weights(player.get_weights())
    package = gl.GAN(*copies, latent_dim=small.latent_dim, seed=0)
    package.compile(
        generator_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.5),
        discriminator_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.5),
        jit_compile=False,
    )
    images = data(small)[:256].astype("float32") / 127.5 - 1
    for gan in (small, package):
        gan.fit(images, batch_size=64, shuffle=False, verbose=0)
    ours, theirs = ([*gan.generator.get_weights(), *gan.discriminator.get_weights()] for gan in (small, package))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_penalty_of_a_critic_whose_slope_is_known():
    gan, points = ward.SmallWGAN(), tf.random.normal((64, 2), seed=0)
    gan.logits = lambda x: 3.0 * x[:, :1]
    np.testing.assert_allclose(gan.penalty(points, -points), 10 * (3 - 1) ** 2, rtol=1e-5)


def test_curves_and_their_picture(data):
    gan = ward.SmallGAN()
    history = ward.train(gan, data(gan), steps=4, every=2)
    assert history["step"] == [2, 4] and all(len(values) == 2 for values in history.values())
    picture = ward.chart(gan, history, "Four steps")
    assert picture.alt.startswith("Four steps: curves") and f"d_loss {history['d_loss'][-1]:.2f}" in picture.alt
