"""The patients of the lesson The clinic: the patients themselves, mends that are right, and those that people write.

The GANs are the lesson's own, taken from its script, with networks that are trained for a moment at most.
"""

import ast
import re
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import gan_lessons as gl
from gan_lessons import checks
from gan_lessons.checks import clinic, rules
from gan_lessons.checks.kinds import Hint

SOURCE = Path(__file__).resolve().parent.parent / "notebooks" / "source" / "clinic.py"


def lesson():
    """The lesson's functions and classes; nothing else of it is run."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    body = [node for node in ast.parse(SOURCE.read_text(encoding="utf-8")).body if isinstance(node, kinds)]
    scope = {"keras": keras, "layers": layers, "np": np, "ops": ops, "tf": tf, "gl": gl, "FAST": True}
    scope |= {"COMPILE": {"run_eagerly": True}, "partial": partial, "shifts": keras.random.SeedGenerator(0)}
    exec(compile(ast.Module(body=body, type_ignores=[]), str(SOURCE), "exec"), scope)
    return scope


LESSON = lesson()
SmallGAN, SmallWGAN = LESSON["SmallGAN"], LESSON["SmallWGAN"]
dense, shifted = LESSON["dense"], LESSON["shifted"]

# patient: its illness, the methods to be mended
PATIENTS = {
    1: ("images_out_of_range", ["batches"]),
    2: ("generator_without_gradient", ["generator_turn"]),
    3: ("swapped_labels", ["d_loss"]),
    4: ("sigmoid_and_logits", ["players"]),
    5: ("discriminator_frozen", ["set_up"]),
    6: ("optimizer_of_the_other", ["generator_turn"]),
    7: ("noise_as_real", ["batches"]),
    8: ("fixed_noise", ["latents"]),
    9: ("target_above_one", ["d_loss"]),
    10: ("not_in_training_mode", ["fakes", "logits"]),
    11: ("cached_augmentation", ["batches"]),
    12: ("logits_map", ["players"]),
    13: ("leftover_optimizer", ["set_up"]),
    14: ("last_batch_loss", ["log"]),
    15: ("penalty_without_epsilon", ["lengths"]),
    16: ("extrapolating_penalty", ["between"]),
    17: ("batchnorm_with_penalty", ["players"]),
    18: ("same_batch", ["train_step"]),
}


@pytest.fixture(scope="module")
def pixels():
    images, _, _ = gl.data.arrays("standin_digits", examples=640)
    return np.round((images + 1) * 127.5).astype("uint8")


@pytest.fixture(scope="module")
def points():
    return gl.toys.ring(std=0.05).sample(1000, seed=0)


@pytest.fixture
def data(pixels, points):
    return lambda number: pixels if number < 15 else points


@pytest.fixture
def untrained(monkeypatch):
    """The checks look at the methods alone, and take the training as done."""
    for name in ("draws", "arrives"):
        monkeypatch.setattr(rules, name, lambda gan, data: "trained")


def mended(number, base=None, **methods):
    """A patient with methods written anew; by default those of the healthy class."""
    base = base or (LESSON["Patient10"] if number == 10 else SmallGAN if number < 15 else SmallWGAN)
    return type(f"Mended{number}", (base,), methods or {name: HEALTHY[number, name] for name in PATIENTS[number][1]})


def augmented(self, pixels):
    images = pixels.astype("float32") / 127.5 - 1
    data = tf.data.Dataset.from_tensor_slices(images).cache().map(shifted)
    return data.shuffle(len(images)).batch(self.batch_size, drop_remainder=True)


def with_schedules(rates, optimizer=None):
    def set_up(self):
        def adam(rate):
            falling = keras.optimizers.schedules.ExponentialDecay(5e-4, 1500, rate)
            return keras.optimizers.Adam(falling if rate != 1 else 5e-4, beta_1=0.5)

        self.compile(**({"optimizer": None} if optimizer is None else {}), run_eagerly=True)
        self.d_optimizer, self.g_optimizer = map(adam, rates)

    return set_up


HEALTHY = {
    (number, name): vars(SmallWGAN if number > 14 else SmallGAN).get(name) or vars(SmallGAN)[name]
    for number, (_, names) in PATIENTS.items()
    for name in names
} | {(11, "batches"): augmented, (13, "set_up"): with_schedules((0.1, 0.1))}


def check(number, *answers):
    return getattr(clinic, f"patient_{number}")(*answers)


# --- the patients ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", PATIENTS)
def test_the_right_name_and_a_mended_method_are_right(number, data, untrained):
    outcome = check(number, PATIENTS[number][0], mended(number), data(number))
    assert outcome.status == "right", str(outcome)


@pytest.mark.parametrize("number", PATIENTS)
def test_the_patient_itself_is_not_mended(number, data, untrained):
    outcome = check(number, PATIENTS[number][0], LESSON[f"Patient{number}"], data(number))
    assert outcome.status == "wrong", "a sick GAN passed without having been trained"


@pytest.mark.parametrize("number", PATIENTS)
def test_a_wrong_name_gets_a_hint_and_does_not_give_the_right_one_away(number, data):
    right = PATIENTS[number][0]
    for illness in clinic.ILLNESSES:
        if illness != right:
            outcome = check(number, illness, mended(number), data(number))
            assert outcome.status == "wrong" and f"not {illness!r}" in outcome.message
            assert right not in outcome.message.removeprefix(f"not {illness!r}")
    outcome = check(number, right[:-2], mended(number), data(number))
    assert outcome.status == "wrong" and "not on the list" in outcome.message and right in outcome.message
    assert "as a string" in check(number, 3, mended(number), data(number)).message


@pytest.mark.parametrize("number", PATIENTS)
def test_blanks(number, data):
    def blank(self, *args):
        return ...

    def empty(self, *args): ...

    assert check(number, ..., mended(number), data(number)).status == "blank"
    for method in (blank, empty, ...):
        outcome = check(number, PATIENTS[number][0], mended(number, **{PATIENTS[number][1][0]: method}), data(number))
        assert outcome.status == "wrong" and "still to be written" in outcome.message
    outcome = check(number, PATIENTS[number][0], "mended", data(number))
    assert outcome.status == "wrong" and "class that you have mended" in outcome.message


def test_the_blanks_of_the_lesson_are_blank():
    """What stands in the lesson's own cells is taken for a blank method, and nothing else in it is."""
    for number in PATIENTS:
        with pytest.raises(Hint, match="still to be written"):
            clinic.patient_1.kind._make(LESSON[f"Mended{number}"])
        clinic.patient_1.kind._make(LESSON[f"Patient{number}"])


# --- wrong mends ----------------------------------------------------------------------------------


def batches_of(convert):
    def batches(self, pixels):
        images = convert(pixels.astype("float32"))
        return tf.data.Dataset.from_tensor_slices(images).batch(self.batch_size, drop_remainder=True)

    return batches


def ahead_of_the_tape(self, count):
    fake_images = self.fakes(count)
    with tf.GradientTape() as tape:
        loss = self.g_loss(self.logits(fake_images))
    weights = self.generator.trainable_variables
    self.g_optimizer.apply(tape.gradient(loss, weights), weights)
    return {"g_loss": loss}


def turn(sign=1, player="generator", optimizer="g_optimizer", report=True):
    def generator_turn(self, count):
        with tf.GradientTape() as tape:
            loss = sign * self.g_loss(self.logits(self.fakes(count)))
        weights = getattr(self, player).trainable_variables
        getattr(self, optimizer).apply(tape.gradient(loss, weights), weights)
        return {"g_loss": loss} if report else None

    return generator_turn


def cross_entropy(real_sign, fake_sign, real=True, fake=True, total=1):
    def d_loss(self, real_logits, fake_logits):
        return total * (
            real * ops.mean(ops.softplus(real_sign * real_logits))
            + fake * ops.mean(ops.softplus(fake_sign * fake_logits))
        )

    return d_loss


def targets(real, fake):
    def d_loss(self, real_logits, fake_logits):
        entropy = keras.losses.BinaryCrossentropy(from_logits=True)
        return entropy(real(real_logits), real_logits) + entropy(fake(fake_logits), fake_logits)

    return d_loss


def constant(value):
    return lambda logits: value * ops.ones_like(logits)


def around(low, high):
    return lambda logits: keras.random.uniform(ops.shape(logits), low, high)


def digits_players(end_of_g="tanh", end_of_d=None, outputs=1):
    def players(self):
        pixels_of = [layers.Dense(784, end_of_g), layers.Reshape((28, 28, 1))]
        judge_of = [layers.Flatten(), dense(16), layers.Dense(outputs, end_of_d)]
        return (
            keras.Sequential([keras.Input((self.latent_dim,)), dense(16), *pixels_of]),
            keras.Sequential([keras.Input((28, 28, 1)), *judge_of]),
        )

    return players


def set_up(freeze=None, optimizer=None, missing=False):
    def method(self):
        if freeze:
            getattr(self, freeze).trainable = False
        self.compile(**({"optimizer": None} if optimizer is None else {}), run_eagerly=True)
        self.d_optimizer = keras.optimizers.Adam(5e-4, beta_1=0.5)
        if not missing:
            self.g_optimizer = keras.optimizers.Adam(5e-4, beta_1=0.5)

    return method


def numpys_latents(self, count):
    return np.random.default_rng().normal(size=(count, self.latent_dim)).astype("float32")


numbers = np.random.default_rng(0)


def numpys_in_the_graph(self, count):
    return tf.constant(numbers.normal(size=(count, self.latent_dim)), "float32")


def unmoved(self, pixels):
    return SmallGAN.batches(self, pixels)


def patch_players(self):
    """Patient 12, mended at the wrong end: D takes the mean of its map, and G still makes 14×14."""
    generator, discriminator = LESSON["Patient12"].players(self)
    mean = layers.GlobalAveragePooling2D()
    return generator, keras.Sequential([keras.Input((None, None, 1)), *discriminator.layers[:-1], mean])


def penalty(weight=10.0, target=1.0, watch=True):
    def method(self, real_points, fake_points):
        between = self.between(real_points, fake_points)
        with tf.GradientTape() as tape:
            tape.watch(between if watch else tf.constant(0.0))
            answers = ops.sum(self.logits(between))
        return weight * ops.mean((self.lengths(tape.gradient(answers, between)) - target) ** 2)

    return method


def lengths(inside, outside=0.0):
    return lambda self, gradients: ops.sqrt(ops.sum(gradients**2, axis=1) + inside) + outside


def between(alpha):
    def method(self, real_points, fake_points):
        a = alpha((ops.shape(real_points)[0], 1))
        return a * real_points + (1 - a) * fake_points

    return method


def ring_players(*hidden):
    def players(self):
        generator = [keras.Input((self.latent_dim,)), dense(16, "relu"), layers.Dense(2)]
        critic = [keras.Input((2,)), *(one() for one in hidden), layers.Dense(1)]
        return keras.Sequential(generator), keras.Sequential(critic)

    return players


def critics(parts, generators=1, first=False):
    def train_step(self, real_points):
        if first:
            self.generator_turn(self.batch_size)
        for part in parts(real_points):
            values = self.discriminator_turn(part)
        for _ in range(generators):
            values = values | self.generator_turn(self.batch_size)
        return self.log(values)

    return train_step


def fifth(points, number, shift=0):
    return points[64 * number - shift : 64 * number - shift + 64] if number else points[:64]


@pytest.mark.parametrize(
    ("number", "methods", "words"),
    [
        (1, {"batches": batches_of(lambda p: p / 127.5)}, "Subtract 1"),
        (1, {"batches": batches_of(lambda p: p)}, r"lie in \[0, 255\]"),
        (1, {"batches": batches_of(lambda p: p / 255 - 1)}, "a part of what tanh makes"),
        (1, {"batches": batches_of(lambda p: 1 - p / 127.5)}, "black and white"),
        (1, {"batches": batches_of(lambda p: p.astype("float64") / 127.5 - 1)}, "float32"),
        (1, {"batches": lambda self, pixels: pixels / 127.5 - 1}, "tf.data.Dataset"),
        (2, {"generator_turn": ahead_of_the_tape}, "in words"),
        (2, {"generator_turn": turn(player="discriminator")}, "D moves"),
        (2, {"generator_turn": turn(sign=-1)}, "more fake than before"),
        (2, {"generator_turn": turn(report=False)}, "returns what is to be logged"),
        (3, {"d_loss": cross_entropy(-1, -1)}, "have the label 1"),
        (3, {"d_loss": cross_entropy(1, 1)}, "have the label 0"),
        (3, {"d_loss": cross_entropy(1, -1, total=-1)}, "falls without end"),
        (3, {"d_loss": cross_entropy(-1, 1, fake=False)}, "fakes are missing"),
        (3, {"d_loss": cross_entropy(-1, 1, real=False)}, "real images are missing"),
        (3, {"d_loss": cross_entropy(-1, 1, total=2)}, "mean of each, added"),
        (3, {"d_loss": lambda self, real_logits, fake_logits: real_logits}, "one number"),
        (4, {"players": digits_players(end_of_g=None)}, "lost its tanh"),
        (4, {"players": digits_players(end_of_d="tanh")}, "still ends in tanh"),
        (4, {"players": digits_players(outputs=2)}, "one logit for each image"),
        (5, {"set_up": set_up(freeze="discriminator")}, "offers 0 weights"),
        (5, {"set_up": set_up(optimizer="rmsprop")}, "third optimizer"),
        (5, {"set_up": set_up(missing=True)}, "lacks g_optimizer"),
        (6, {"generator_turn": turn(optimizer="d_optimizer")}, "not built on"),
        (6, {"generator_turn": ahead_of_the_tape}, "in words"),
        (7, {"batches": batches_of(lambda p: numbers.normal(size=p.shape).astype("float32"))}, "still noise"),
        (7, {"batches": batches_of(lambda p: p / 255)}, "patient 1's illness"),
        (8, {"latents": lambda self, count: keras.random.normal((count, self.latent_dim), seed=7)}, "fixes them"),
        (8, {"latents": numpys_in_the_graph}, "constant in it"),
        (8, {"latents": lambda self, count: keras.random.uniform((count, self.latent_dim), seed=self.random)}, "not N"),
        (8, {"latents": lambda self, count: keras.random.normal((count, 3), seed=self.random)}, "have the shape"),
        (9, {"d_loss": targets(around(0.6, 1.2), constant(0.0))}, "for some images"),
        (9, {"d_loss": targets(around(1.0, 1.3), constant(0.0))}, "target is above 1"),
        (9, {"d_loss": targets(constant(0.9), constant(0.1))}, "it is to be 0"),
        (9, {"d_loss": targets(constant(0.9), constant(-0.1))}, "on that side"),
        (9, {"d_loss": targets(constant(0.0), constant(0.0))}, "no longer taught"),
        (10, {"fakes": SmallGAN.fakes}, "Dropout is still off"),
        (10, {"logits": SmallGAN.logits}, "never move"),
        (11, {"batches": unmoved}, "amputation"),
        (11, {"batches": batches_of(lambda p: numbers.uniform(-1, 1, p.shape).astype("float32"))}, "not the images"),
        (12, {"players": patch_players}, "size alone"),
        (12, {"players": digits_players(end_of_g=None)}, "no longer ends in tanh"),
        (13, {"set_up": with_schedules((0.1, 0.1), "rmsprop")}, "third optimizer"),
        (13, {"set_up": with_schedules((1, 1))}, "no longer fall"),
        (13, {"set_up": with_schedules((0.1, 1))}, "only one"),
        (13, {"set_up": with_schedules((0.5, 0.5))}, "a tenth"),
        (14, {"log": lambda self, values: {name: float(value) for name, value in values.items()}}, "the last"),
        (14, {"log": lambda self, values: {"d_loss": values["d_loss"]}}, "not reported any more"),
        (14, {"log": lambda self, values: list(values)}, "a dictionary"),
        (15, {"lengths": lengths(inside=0.0, outside=1e-12)}, "under.* the root"),
        (15, {"lengths": lengths(inside=0.1)}, "tiny"),
        (15, {"penalty": penalty(weight=1.0)}, "λ 10"),
        (15, {"penalty": penalty(target=0.0)}, "target 1"),
        (15, {"penalty": penalty(watch=False)}, "tape.watch"),
        (16, {"between": between(keras.random.normal)}, "uniform"),
        (16, {"between": between(lambda shape: ops.full(shape, 0.5))}, "one for each"),
        (16, {"between": between(lambda shape: keras.random.uniform((shape[0], 2)))}, "coordinates"),
        (16, {"between": between(lambda shape: keras.random.uniform(shape) ** 3)}, "evenly"),
        (16, {"penalty": lambda self, real, fake: tf.constant(0.0)}, "does not ask"),
        (17, {"players": ring_players(lambda: dense(8), layers.BatchNormalization)}, "still has"),
        (17, {"players": ring_players()}, "too much"),
        (18, {"train_step": critics(lambda points: ops.split(points, 5), generators=2)}, "takes 2"),
        (18, {"train_step": critics(lambda points: ops.split(points, 5), first=True)}, "takes 2"),
        (18, {"train_step": critics(lambda points: ops.split(points, 5), 0, first=True)}, "before the critic"),
        (18, {"train_step": critics(lambda points: [points[:64]] * 5)}, "1 different batch"),
        (18, {"train_step": critics(lambda points: [points])}, "takes 1"),
        (18, {"train_step": critics(lambda points: [fifth(points, n, shift=8) for n in range(5)])}, "overlap"),
    ],
)
def test_a_wrong_mend_gets_a_hint_about_why(number, methods, words, data, untrained):
    outcome = check(number, PATIENTS[number][0], mended(number, **methods), data(number))
    assert outcome.status == "wrong"
    assert re.search(words, outcome.message), outcome.message


@pytest.mark.parametrize(
    ("number", "methods"),
    [
        (3, {"d_loss": cross_entropy(-1, 1)}),
        (9, {"d_loss": targets(constant(0.9), constant(0.0))}),
        (9, {"d_loss": targets(around(0.9, 1.0), constant(0.0))}),
        (12, {"players": digits_players()}),
        (17, {"players": ring_players(lambda: dense(8), layers.LayerNormalization, lambda: dense(8))}),
    ],
)
def test_other_right_mends_are_right(number, methods, data, untrained):
    outcome = check(number, PATIENTS[number][0], mended(number, **methods), data(number))
    assert outcome.status == "right", str(outcome)


# --- what the training confirms -------------------------------------------------------------------

COMPILED = {"jit_compile": False}


@pytest.mark.parametrize("number", [0, 2, 3, 5, 6, 7])
def test_a_moments_training_tells_sick_from_healthy(number, pixels, monkeypatch):
    monkeypatch.setitem(LESSON, "COMPILE", COMPILED)
    gan = (LESSON[f"Patient{number}"] if number else SmallGAN)()
    if not number:
        assert "there is ink" in rules.draws(gan, pixels)
        return
    with pytest.raises(Hint, match="correlate"):
        rules.draws(gan, pixels)


def test_a_moments_training_on_the_ring(points, monkeypatch):
    monkeypatch.setitem(LESSON, "COMPILE", COMPILED)
    assert "come nearer" in rules.arrives(SmallWGAN(), points)
    monkeypatch.setattr(rules, "STEPS", 8)
    with pytest.raises(Hint, match="NaN"):
        rules.arrives(LESSON["Patient15Flat"](), points)


# --- the lesson's own instruments -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["who_moves", "learns_to_tell", "distinct", "slopes"])
def test_the_lessons_instruments_are_right_and_its_blanks_are_blank(name):
    assert getattr(clinic, name)(LESSON[name])
    assert getattr(clinic, name)(LESSON[f"my_{name}"]).status == "blank"


def test_the_lesson_has_four_instruments_and_eighteen_patients():
    assert list(checks.exercises("clinic"))[:4] == ["who_moves", "learns_to_tell", "distinct", "slopes"]
    assert len(checks.exercises("clinic")) == 4 + len(PATIENTS)


def test_every_illness_is_on_the_doctors_list():
    illnesses = [illness for illness, _ in PATIENTS.values()]
    assert set(illnesses) <= set(clinic.ILLNESSES) and len(set(illnesses)) == len(illnesses)
    assert clinic.ILLNESSES is gl.doctor.ILLNESSES
    assert clinic.WARD == {f"Patient{number}": illness for number, (illness, _) in PATIENTS.items()}


def test_each_patient_replaces_the_methods_that_are_to_be_mended_and_no_other():
    for number, (_, names) in PATIENTS.items():
        replaced = {name for name, value in vars(LESSON[f"Patient{number}"]).items() if callable(value)}
        assert replaced - ({"players"} if number == 10 else set()) == set(names), number


def test_slopes_are_finite_differences():
    critic = keras.Sequential([keras.Input((2,)), layers.Dense(8, "tanh"), layers.Dense(1)])
    points = np.random.default_rng(0).normal(size=(5, 2)).astype("float32")
    h = 1e-2
    axes = np.eye(2, dtype="float32")
    partial = [(critic(points + h * e) - critic(points - h * e)).numpy()[:, 0] / (2 * h) for e in axes]
    np.testing.assert_allclose(LESSON["slopes"](critic, points), np.linalg.norm(partial, axis=0), rtol=1e-2)


def test_penalised_sees_alpha_and_leaves_the_gan_as_it_was():
    for number, share in ((0, 1.0), (16, 0.3413)):  # of a normal, P(0 < α < 1) = 0.3413
        gan = (LESSON[f"Patient{number}"] if number else SmallWGAN)()
        alpha = LESSON["penalised"](gan, 4000)
        assert np.mean((alpha >= 0) & (alpha <= 1)) == pytest.approx(share, abs=0.04)
        assert "logits" not in vars(gan)


def test_flat_gradient_is_nan_without_epsilon_and_0_with_it():
    for number, finite in ((0, True), (15, False)):
        gan = (LESSON[f"Patient{number}"] if number else SmallWGAN)()
        weights = gan.get_weights()
        found = LESSON["flat_gradient"](gan)
        assert found == 0 if finite else np.isnan(found)
        assert all(np.array_equal(old, new) for old, new in zip(weights, gan.get_weights(), strict=True))


def test_critic_batches_counts_steps_and_batches(points):
    for number, found in ((0, (5, 5)), (18, (5, 1))):
        gan = (LESSON[f"Patient{number}"] if number else SmallWGAN)()
        assert LESSON["critic_batches"](gan, points[:320]) == found
        assert "discriminator_turn" not in vars(gan)
