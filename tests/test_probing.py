"""Training steps under observation: the numbers that are seen, against closed forms and NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from others import Handmade, HandmadeCritic, bumps, small_discriminator
from scipy.spatial.distance import cdist

import gan_lessons as gl
from gan_lessons.doctor import probing
from gan_lessons.doctor.probing import BETWEEN, GENERATED, REAL, Examination

IMAGES = bumps(64)
BATCH = tf.constant(IMAGES)


def sigma(v):
    return 1 / (1 + np.exp(-v))


def handmade(kind=Handmade, *args):
    gan = kind(*args)
    gan.compile()
    return gan


@pytest.mark.parametrize("output", [-30.0, 0.0, 0.5, 30.0])
def test_the_pull_of_cross_entropy_is_its_derivative(output):
    with Examination(handmade()) as examination:
        step = examination.step(BATCH, output=output)
    np.testing.assert_allclose(step.pull("discriminator", REAL), np.full(64, sigma(output) - 1), atol=1e-6)
    np.testing.assert_allclose(step.pull("discriminator", GENERATED), np.full(64, sigma(output)), atol=1e-6)
    np.testing.assert_allclose(step.pull("generator", GENERATED), np.full(64, sigma(output) - 1), atol=1e-6)
    assert not len(step.pull("generator", REAL))


def test_the_pull_at_ds_own_outputs():
    with Examination(handmade()) as examination:
        step = examination.step(BATCH)
    real, fake = (step.outputs(kind)[:, 0] for kind in (REAL, GENERATED))
    assert len(real) == 64 and len(fake) == 128  # in D's turn and in G's
    np.testing.assert_allclose(step.pull("discriminator", REAL), sigma(real) - 1, atol=1e-6)
    np.testing.assert_allclose(step.pull("discriminator", GENERATED), sigma(fake[:64]), atol=1e-6)
    np.testing.assert_allclose(step.pull("generator", GENERATED), sigma(fake[64:]) - 1, atol=1e-6)


def test_the_pull_of_a_wasserstein_loss_is_the_same_everywhere():
    with Examination(handmade(HandmadeCritic)) as examination:
        for output in (-30.0, 0.5, None):
            step = examination.step(BATCH, output=output)
            np.testing.assert_allclose(step.pull("discriminator", REAL), np.full(64, -1.0), atol=1e-6)
            np.testing.assert_allclose(step.pull("discriminator", GENERATED), np.full(64, 1.0), atol=1e-6)


def test_the_images_are_told_apart():
    with Examination(handmade(HandmadeCritic)) as examination:
        step = examination.step(BATCH)
    judged = [call for _, call in step.of("discriminator")]
    assert [set(call.kinds) for call in judged] == [{GENERATED}, {REAL}, {BETWEEN}, {GENERATED}]
    assert [call.penalised for call in judged] == [False, False, True, False]
    np.testing.assert_array_equal(judged[1].inputs[0], IMAGES)
    np.testing.assert_array_equal(judged[0].inputs[0], step.of("generator")[0][1].outputs)
    (inner,) = [one for one in step.passes if one.player is None]
    np.testing.assert_array_equal(inner.sources[0], judged[2].inputs[0])
    assert [one.player for one in step.passes] == [None, "discriminator", "generator"]


def test_images_that_the_step_changes_are_told_apart():
    class Noisy(Handmade):
        def judge(self, images):
            return super().judge(images + 0.01 * keras.random.normal(tf.shape(images), seed=self.seeds))

    class Scaled(Handmade):
        def real_images(self, data):
            return tf.image.flip_left_right(data / 127.5 - 1)

    class Together(Handmade):
        def d_loss(self, real, fake):
            self.judge(tf.concat([real, fake], 0))
            return super().d_loss(real, fake)

    class Labelled(Handmade):
        def judge(self, images):
            return self.discriminator(tf.concat([images, tf.ones_like(images)], axis=-1), training=True)

    two_channels = keras.Sequential([keras.Input((8, 8, 2)), keras.layers.Flatten(), keras.layers.Dense(1)])
    patients = [(Noisy, BATCH, 3), (Scaled, (BATCH + 1) * 127.5, 3), (Together, BATCH, 4), (Labelled, BATCH, 3)]
    for kind, batch, calls in patients:
        with Examination(handmade(kind, None, two_channels if kind is Labelled else None)) as examination:
            step = examination.step(batch)
        kinds = [list(call.kinds) for _, call in step.of("discriminator")]
        expected = [[REAL] * 64, [GENERATED] * 64, [GENERATED] * 64]
        assert kinds == ([[REAL] * 64 + [GENERATED] * 64] if calls == 4 else []) + expected, kind


@pytest.mark.parametrize("beside", ["as a channel", "as an input"])
def test_images_are_told_from_the_source_beside_them(beside):
    targets, sources = bumps(64, seed=1), IMAGES

    class Translates(Handmade):
        def real_images(self, data):
            self.source, target = data
            return target

        def make(self, count):
            return self.generator(self.source)

        def judge(self, images):
            together = [self.source, images]
            return self.discriminator(tf.concat(together, -1) if beside == "as a channel" else together)

    inputs = [keras.Input((8, 8, 1)), keras.Input((8, 8, 1))]
    both = keras.layers.Concatenate()(inputs)
    inputs = inputs if beside == "as an input" else both
    discriminator = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Flatten()(both)))
    translator = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(1, 3, padding="same")])
    with Examination(handmade(Translates, translator, discriminator)) as examination:
        step = examination.step((tf.constant(sources), tf.constant(targets)))
    judged = [call for _, call in step.of("discriminator")]
    assert [set(call.kinds) for call in judged] == [{REAL}, {GENERATED}, {GENERATED}]
    np.testing.assert_array_equal(judged[0].images, targets)
    np.testing.assert_array_equal(judged[1].images, step.of("generator")[0][1].outputs)


def test_a_weight_that_an_optimizer_moves_has_moved_whatever_trainable_says():
    class Switches(Handmade):
        def d_loss(self, real, fake):
            self.discriminator.trainable = True
            return super().d_loss(real, fake)

        def step_discriminator(self, gradients):
            super().step_discriminator(gradients)
            self.discriminator.trainable = False

    gan = handmade(Switches)
    gan.discriminator.trainable = False
    with Examination(gan) as examination:
        assert examination.step(BATCH).moved["discriminator"] == pytest.approx(1e-3, rel=1e-3)
    assert not gan.discriminator.trainable


def test_metrics_of_one_name_and_logs_within_logs():
    class Unnamed(Handmade):
        def __init__(self):
            super().__init__()
            self.d_loss_mean, self.g_loss_mean = keras.metrics.Mean(), keras.metrics.Mean()

        def report(self, d_loss, g_loss):
            return super().report(d_loss, g_loss) | {"more": {"of": d_loss}}

    with Examination(handmade(Unnamed)) as examination:
        step = examination.step(BATCH)
    assert set(step.logs) == {"d_loss", "g_loss"}
    means = [float(value) for name, value in step.metrics.items() if name.startswith("mean")]
    assert means == [float(step.logs["d_loss"]), float(step.logs["g_loss"])]


def test_a_mean_over_no_turns_is_no_number_of_the_step():
    networks = gl.networks.mlp_generator((8, 8, 1), 6, (16,)), gl.networks.mlp_discriminator((8, 8, 1), (16,))
    gan = gl.GAN(*networks, 6, discriminator_steps=2)
    gan.compile(generator_optimizer="adam", discriminator_optimizer="adam")
    with Examination(gan) as examination:
        steps = [examination.step(BATCH) for _ in range(2)]
    for step, names in zip(steps, [{"d_loss"}, {"d_loss", "g_loss"}], strict=True):
        assert {name for name in step.logs if "loss" in name} == names and step.logs.keys() == step.metrics.keys()

    class BreaksAtOnce(Handmade):
        def g_loss(self, fake):
            return super().g_loss(fake) * float("nan")

    gan = BreaksAtOnce()
    gan.compile()
    with Examination(gan) as examination:
        assert np.isnan(examination.step(BATCH).logs["g_loss"])


def test_half_precision_counts_in_the_optimizer_inside():
    keras.config.set_dtype_policy("mixed_float16")
    gan = gl.GAN(gl.networks.mlp_generator((8, 8, 1), 6, (16,)), gl.networks.mlp_discriminator((8, 8, 1), (16,)), 6)
    gan.compile(generator_optimizer="adam", discriminator_optimizer="adam")
    with Examination(gan) as examination:
        examination.step(BATCH, output=1.0)
        assert int(gan.discriminator_optimizer.iterations.value) == 1
    assert int(gan.discriminator_optimizer.iterations.value) == 0


def test_what_moves_is_what_the_optimizer_moved():
    gan = handmade()
    before = [weight.numpy() for weight in gan.discriminator.trainable_variables]
    with Examination(gan) as examination:
        step = examination.step(BATCH)
        change = max(
            np.abs(w.numpy() - b).max() for w, b in zip(gan.discriminator.trainable_variables, before, strict=True)
        )
    assert step.moved["discriminator"] == pytest.approx(change) and step.moved["generator"] > 0
    assert step.moved["discriminator"] == pytest.approx(1e-3, rel=1e-3), "Adam's first step is its learning rate"
    assert [update.optimizer for update in step.updates] == [gan.d_optimizer, gan.g_optimizer]
    assert {owned.owner for owned in step.updates[0].variables} == {"discriminator"}
    largest = max(float(tf.reduce_max(tf.abs(gradient))) for gradient in step.updates[1].gradients)
    assert step.gradients("generator") == pytest.approx(largest)
    assert set(step.logs) == {"d_loss", "g_loss"} and step.logs.items() <= step.metrics.items()


def test_a_flat_critic_passes_nothing_on():
    with Examination(handmade()) as examination:
        assert examination.step(BATCH).gradients("generator") > 0
        assert examination.step(BATCH, flat=True).gradients("generator") == 0


def test_training_modes_are_seen():
    class Inference(Handmade):
        def judge(self, images):
            return self.discriminator(images, training=False)

    for kind, expected in [(Handmade, {True}), (Inference, {False})]:
        discriminator = small_discriminator(extra=[keras.layers.Dropout(0.5), keras.layers.BatchNormalization()])
        with Examination(handmade(kind, None, discriminator)) as examination:
            step = examination.step(BATCH)
        assert set(step.training["discriminator"]) == expected and step.training["generator"] == []


def test_inputs_of_traced_steps():
    class Drawn(Handmade):
        def latents(self, count):
            return tf.constant(np.random.normal(size=(64, 6)).astype("float32"))

    class Translates(Handmade):
        def make(self, count):
            return self.generator([self.given, tf.ones((64, 2))])

        def real_images(self, data):
            self.given = data
            return data

    for kind, same in [(Handmade, False), (Drawn, True)]:
        with Examination(handmade(kind)) as examination:
            examination.step(BATCH)
            (first,), (again,), (rolled,) = examination.traced_inputs(BATCH)
        assert first.shape == (64, 6) and np.array_equal(first, again) == np.array_equal(first, rolled) == same
    inputs = [keras.Input((8, 8, 1)), keras.Input((2,))]
    shift = keras.layers.Reshape((1, 1, 1))(keras.layers.Dense(1)(inputs[1]))
    translator = keras.Model(inputs, keras.layers.Conv2D(1, 3, padding="same")(inputs[0]) + shift)
    with Examination(handmade(Translates, translator)) as examination:
        (first, ones), (again, _), (rolled, _) = examination.traced_inputs(BATCH)
    assert np.array_equal(first, IMAGES) and np.array_equal(again, IMAGES) and np.array_equal(ones, np.ones((64, 2)))
    np.testing.assert_array_equal(rolled, np.roll(IMAGES, -1, axis=0))
    gan = handmade()
    gan.compile(run_eagerly=True)
    with Examination(gan) as examination:
        assert examination.traced_inputs(BATCH) == []


def test_rewinding_runs_the_same_step_again():
    discriminator = gl.networks.mlp_discriminator((8, 8, 1), (16,), dropout=0.3)
    gan = gl.GAN(gl.networks.mlp_generator((8, 8, 1), 6, (16,)), discriminator, 6)
    gan.compile(generator_optimizer="adam", discriminator_optimizer="adam")
    with Examination(gan) as examination:
        start = examination.state()
        first = examination.step(BATCH)
        examination.step(BATCH)
        examination.rewind(start)
        again = examination.step(BATCH)
    assert float(first.logs["d_loss"]) == float(again.logs["d_loss"])
    np.testing.assert_array_equal(first.calls[0].inputs[0], again.calls[0].inputs[0])


def test_state_that_hangs_on_other_objects_is_put_back():
    class Box:
        def __init__(self):
            self.count = tf.Variable(1.0)

    box, hidden, own = Box(), keras.Variable(2.0), keras.optimizers.SGD(0.1)

    class Boxed(Handmade):
        def __init__(self):
            super().__init__()
            self.boxes = {"one": [box]}
            self.function = lambda: hidden.assign_add(1.0)

        def step_generator(self, gradients):
            box.count.assign_add(1.0)
            self.function()
            own.apply(gradients, self.generator.trainable_variables)  # an optimizer that only this code knows of

    with Examination(handmade(Boxed)) as examination:
        examination.step(BATCH)
        assert box.count.numpy() == 2 and float(hidden.value) == 3 and int(own.iterations.value) == 1
    assert box.count.numpy() == 1 and float(hidden.value) == 2 and not own.built and int(own.iterations.value) == 0


def test_two_players_in_half_precision():
    keras.config.set_dtype_policy("mixed_float16")
    gan = gl.GAN(gl.networks.mlp_generator((8, 8, 1), 6, (16,)), gl.networks.mlp_discriminator((8, 8, 1), (16,)), 6)
    gan.compile(generator_optimizer="adam", discriminator_optimizer="adam")
    with Examination(gan) as examination:
        step = examination.step(BATCH)
    assert [list(set(call.kinds)) for _, call in step.of("discriminator")] == [[REAL], [GENERATED], [GENERATED]]
    assert [update.optimizer for update in step.updates] == [gan.discriminator_optimizer, gan.generator_optimizer]


def test_rows_and_nearest_neighbours():
    points, others = bumps(30).reshape(30, -1), bumps(5000, seed=1).reshape(5000, -1)
    np.testing.assert_array_equal(probing.rows_of(bumps(30)), points)
    np.testing.assert_allclose(probing.nearest(points, others), cdist(points, others).min(1), atol=1e-6)
    everyone = cdist(others[:40], others)
    everyone[np.arange(40), np.arange(40)] = np.inf
    np.testing.assert_allclose(probing.nearest(others[:40], others, itself=True), everyone.min(1), atol=1e-6)
    assert np.isinf(probing.nearest(points, points[:0])).all()
    assert probing.images_of((BATCH, 1)) is BATCH and probing.images_of(BATCH) is BATCH
    images, labels, one = probing.rolled((BATCH, {"labels": np.arange(64)}, 3.0))[0:3]
    np.testing.assert_array_equal(images, np.roll(IMAGES, -1, axis=0))
    np.testing.assert_array_equal(labels["labels"], np.roll(np.arange(64), -1))
    assert float(one) == 3


def test_the_records_are_plain():
    step = probing.Step()
    step.calls.append(probing.Call("generator", [], None))
    step.passes.append(probing.Pass("generator", []))
    step.updates.append(probing.Update(None, [None], [probing.Owned(None, "generator")]))
    assert step.gradients("generator") is None and step.of("discriminator") == []
