"""The base of all models: what is logged and descended, losses of layers, turns by the count of batches, compile."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf
from contract import assert_equal, everything
from keras import layers, ops
from others import LATENT, SHAPE, images
from systems import plain, sgd, small_gan

import gan_lessons as gl
from gan_lessons.models.base import Mean

X = images(10)
ROWS = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")


class Copier(gl.GenerativeModel):
    """Learns to output its input; what varies between tests is handed in."""

    def __init__(self, network, loss=lambda made, rows: ops.mean((made - rows) ** 2), logs=lambda loss: {"loss": loss}):
        super().__init__()
        self.network, self.loss_of, self.logs_of = network, loss, logs
        self.batch = gl.Batch({"rows": gl.Part((4,))})
        self.track("loss")

    def call(self, rows, training=False):
        return self.network(rows, training=training)

    def train_step(self, data):
        rows = self.read(data)
        with tf.GradientTape() as tape:
            loss = self.loss_of(self.network(rows, training=True), rows)
        self.log(**self.logs_of(self.descend(loss, tape)))

    def test_step(self, data):
        rows = self.read(data)
        self.log(loss=self.loss_of(self.network(rows), rows))


def network(*more):
    return keras.Sequential([keras.Input((4,)), layers.Dense(4), *more])


def copier(*arguments, optimizer=None, run_eagerly=True, **options):
    keras.utils.set_random_seed(0)
    with pytest.warns(UserWarning, match="a lambda"):
        model = Copier(*(arguments or (network(),)), **options)
        model.compile(optimizer or sgd(), run_eagerly=run_eagerly, jit_compile=False)
    return model


# --- logs ----------------------------------------------------------------------------------------------------------


def test_a_mean_over_nothing_is_no_number():
    mean = Mean(name="mean")
    assert np.isnan(mean.result())
    mean.update_state(2.0)
    mean.update_state(4.0)
    assert float(mean.result()) == 3.0
    mean.reset_state()
    assert np.isnan(mean.result())


def test_track_adds_to_what_a_parent_tracks():
    class More(Copier):
        def __init__(self, *args):
            super().__init__(*args)
            self.track("size", ["shape", "loss"])

        def train_step(self, data):
            super().train_step(data)
            self.log(size=4.0, shape=ops.convert_to_tensor(2.0))

    model = More(network())
    assert model.metrics_names == ["loss", "size", "shape"]
    model.compile(sgd(), run_eagerly=True)
    history = model.fit(ROWS, verbose=0).history
    assert history["size"] == [4.0] and history["shape"] == [2.0] and history["loss"][0] > 0


@pytest.mark.parametrize("run_eagerly", [True, False])
def test_a_name_that_is_not_tracked_and_a_value_that_is_no_scalar(run_eagerly):
    model = copier(network(), logs=lambda loss: {"los": loss}, run_eagerly=run_eagerly)
    with pytest.raises(ValueError, match=r"The history has loss. Received: log\(los=…\). .*self.track\('los'\)"):
        model.fit(ROWS, verbose=0)
    model = copier(network(), logs=lambda loss: {"loss": loss * ops.ones((3,))}, run_eagerly=run_eagerly)
    with pytest.raises(ValueError, match=r"A logged value must be a scalar. Received: loss of shape \(3,\)"):
        model.fit(ROWS, verbose=0)


def test_a_loss_that_is_no_scalar_moves_nothing():
    for loss, received in (
        (
            lambda made, rows: ops.mean((made - rows) ** 2, axis=-1),
            r"loss of shape \(8,\). Take keras.ops.mean\(loss\)",
        ),
        (lambda made, rows: [ops.mean(made)], "loss of shape list"),
    ):
        model = copier(network(), loss)
        before = [w.numpy() for w in model.weights]
        with pytest.raises(ValueError, match=f"A loss must be a scalar, the mean over the batch. Received: {received}"):
            model.fit(ROWS, verbose=0)
        for a, b in zip(before, model.weights, strict=True):
            np.testing.assert_array_equal(a, b.numpy())


def test_a_player_that_there_is_not():
    class Wrong(gl.GAN):
        def train_step(self, data):
            with tf.GradientTape() as tape:
                loss = ops.mean(self.discriminator(self.read(data)))
            self.descend("critic", loss, tape)

    with pytest.raises(ValueError, match="name of a player. Received: 'critic'. .*generator, discriminator"):
        small_gan(kind=Wrong, run_eagerly=True).fit(X, verbose=0)


# --- losses of layers ----------------------------------------------------------------------------------------------


@keras.saving.register_keras_serializable("test_base")
class Pull(layers.Layer):
    """Adds the mean square of what it sees to the losses of its network, and passes it on."""

    def __init__(self, weight=1.0, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight

    def call(self, x):
        self.add_loss(self.weight * ops.mean(x**2))
        return x

    def get_config(self):
        return super().get_config() | {"weight": self.weight}


def with_losses():
    """G has add_loss on its images and a regularizer; D has add_loss on its first layer's values and a regularizer."""
    G = keras.Sequential(
        [
            keras.Input((LATENT,)),
            layers.Dense(16, "tanh", kernel_regularizer=keras.regularizers.L2(0.3)),
            Pull(0.7),
            layers.Reshape(SHAPE),
        ]
    )
    D = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Flatten(),
            layers.Dense(5, "tanh", bias_regularizer=keras.regularizers.L2(0.2)),
            Pull(0.4),
            layers.Dense(1, kernel_regularizer=keras.regularizers.L1(0.1)),
        ]
    )
    return G, D


def steps_by_hand(gan, x, z_d, z_g, rate, share_fakes):
    """One batch of the game by TensorFlow alone: (losses as they are logged, weights of G, weights of D)."""
    (k, b), (k1, b1, k2, b2) = ([tf.Variable(w.numpy()) for w in n.weights] for n in (gan.generator, gan.discriminator))

    def generator(z):
        made = tf.tanh(z @ k + b)
        return made, 0.7 * tf.reduce_mean(made**2)

    def discriminator(flat):
        hidden = tf.tanh(flat @ k1 + b1)
        return hidden @ k2 + b2, 0.4 * tf.reduce_mean(hidden**2)

    softplus, mean = tf.math.softplus, tf.reduce_mean
    with tf.GradientTape() as tape:
        fakes, _ = generator(z_d)
        real, _ = discriminator(tf.reshape(x, (-1, 16)))
        fake, of_last_call = discriminator(fakes)  # what a layer adds is that of its network's last call
        d_loss = mean(softplus(-real)) + mean(softplus(fake)) + of_last_call
        d_loss += 0.2 * tf.reduce_sum(b1**2) + 0.1 * tf.reduce_sum(tf.abs(k2))
    d_weights = [k1, b1, k2, b2]
    for weight, gradient in zip(d_weights, tape.gradient(d_loss, d_weights), strict=True):
        weight.assign_sub(rate * gradient)
    with tf.GradientTape() as tape:
        fakes, of_images = generator(z_d if share_fakes else z_g)
        fake, _ = discriminator(fakes)
        g_loss = mean(softplus(-fake)) + of_images + 0.3 * tf.reduce_sum(k**2)
    for weight, gradient in zip([k, b], tape.gradient(g_loss, [k, b]), strict=True):
        weight.assign_sub(rate * gradient)
    return {"d_loss": d_loss.numpy(), "g_loss": g_loss.numpy()}, [k, b], d_weights


@pytest.mark.parametrize("options", [{}, {"share_fakes": True}, {"run_eagerly": True}], ids=str)
def test_losses_of_layers_count_for_the_player_that_has_them_once_a_turn(options):
    gan = small_gan(with_losses, **options)
    draws = keras.random.SeedGenerator(0)
    draws.state.assign(gan.seed_generator.state)
    z_d = keras.random.normal((10, LATENT), seed=draws)
    z_g = None if gan.share_fakes else keras.random.normal((10, LATENT), seed=draws)
    losses, G, D = steps_by_hand(gan, X, z_d, z_g, 0.1, gan.share_fakes)
    history = gan.fit(X, batch_size=10, shuffle=False, verbose=0).history
    for found, expected in ((gan.generator.weights, G), (gan.discriminator.weights, D)):
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-6)
    for name, value in losses.items():
        np.testing.assert_allclose(history[name][0], value, rtol=1e-5)


def test_losses_of_layers_are_in_what_evaluate_reports():
    gan = small_gan(with_losses, run_eagerly=True)
    found = gan.evaluate(X, batch_size=10, verbose=0, return_dict=True)
    draws = keras.random.SeedGenerator(0)
    states = [id(state) for state in gan._random_states()]
    draws.state.assign([states.index(id(gan.seed_generator.state)), 0])
    z = keras.random.normal((10, LATENT), seed=draws)
    (k, b), (k1, b1, k2, b2) = ([w.numpy() for w in n.weights] for n in (gan.generator, gan.discriminator))
    fakes = np.tanh(z @ k + b)
    real, fake = (np.tanh(x.reshape(10, 16) @ k1 + b1) for x in (X, fakes))
    penalties = 0.2 * (b1**2).sum() + 0.1 * np.abs(k2).sum() + 0.4 * (fake**2).mean()
    real, fake = real @ k2 + b2, fake @ k2 + b2
    d_loss = np.log1p(np.exp(-real)).mean() + np.log1p(np.exp(fake)).mean() + penalties
    g_loss = np.log1p(np.exp(-fake)).mean() + 0.7 * (fakes**2).mean() + 0.3 * (k**2).sum()
    np.testing.assert_allclose([found["d_loss"], found["g_loss"]], [d_loss, g_loss], rtol=1e-4)


def test_losses_of_layers_in_a_model_with_one_optimizer():
    """The gradient of L2(c) in a kernel is 2·c·kernel: with a loss of 0 a step of SGD shrinks it by 1 − 2·c·rate."""
    dense = layers.Dense(4, kernel_regularizer=keras.regularizers.L2(0.5), bias_initializer="ones")
    model = copier(keras.Sequential([keras.Input((4,)), dense]), lambda made, rows: 0.0 * ops.mean(made))
    kernel, bias = dense.kernel.numpy(), dense.bias.numpy()
    history = model.fit(ROWS, batch_size=8, verbose=0).history
    np.testing.assert_allclose(dense.kernel.numpy(), kernel * (1 - 2 * 0.5 * 0.1), rtol=1e-5)
    np.testing.assert_array_equal(dense.bias.numpy(), bias)
    np.testing.assert_allclose(history["loss"][0], 0.5 * (kernel**2).sum(), rtol=1e-5)


# --- turns ---------------------------------------------------------------------------------------------------------


def moved(model, train):
    before = [w.numpy() for w in model.trainable_weights]
    train()
    return any(not np.array_equal(a, w.numpy()) for a, w in zip(before, model.trainable_weights, strict=True))


def turns(gan, count, player="generator"):
    """The batches, numbered from 1, in which a player moved."""
    batch = X[:4]
    return [i + 1 for i in range(count) if moved(getattr(gan, player), lambda: gan.train_on_batch(batch))]


def test_turns_do_not_depend_on_gradient_accumulation():
    accumulating = lambda: keras.optimizers.SGD(0.1, gradient_accumulation_steps=4)  # noqa: E731
    gan = small_gan(optimizers=(sgd, accumulating), discriminator_steps=2, run_eagerly=True)
    assert turns(gan, 9) == [2, 4, 6, 8]
    assert turns(gan, 8, "discriminator") == [3, 7]  # the batches 12 and 16


def test_turns_do_not_depend_on_a_rate_of_zero():
    gan = small_gan(optimizers=(sgd, lambda: sgd(0.0)), discriminator_steps=3, run_eagerly=True)
    assert turns(gan, 7) == [3, 6] and turns(gan, 7, "discriminator") == []


def test_turns_do_not_depend_on_a_step_that_overflows_in_float16():
    keras.config.set_dtype_policy("mixed_float16")

    class Loud(gl.objectives.Wasserstein):
        def discriminator_loss(self, real_logits, fake_logits):
            return 1e6 * super().discriminator_loss(real_logits, fake_logits)

    gan = small_gan(objective=Loud(), discriminator_steps=2)
    assert turns(gan, 6) == [2, 4, 6]


def test_turns_with_accumulation_in_float16():
    keras.config.set_dtype_policy("mixed_float16")
    accumulating = lambda: keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)  # noqa: E731
    gan = small_gan(optimizers=(accumulating, accumulating), discriminator_steps=3)
    assert turns(gan, 12) == [6, 12] and turns(gan, 4, "discriminator") == [2, 4]


def test_turns_go_on_over_calls_of_fit_and_over_files(tmp_path):
    """5 batches an epoch: G moves in 3, 6, 9, 12, 15 of all batches, wherever an epoch, a fit or a file ends."""
    gan, steps = small_gan(discriminator_steps=3, run_eagerly=True), []
    see = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: steps.append(int(gan.generator_optimizer.iterations))
    )
    for _ in range(2):
        gan.fit(X, batch_size=2, verbose=0, callbacks=[see])
    gan.save(tmp_path / "gan.keras")
    gan = keras.models.load_model(tmp_path / "gan.keras")
    assert gan.batches_trained == 10
    gan.fit(X, batch_size=2, verbose=0, callbacks=[see])
    assert steps == [batch // 3 for batch in range(1, 16)]


def test_a_turn_every_second_batch_of_a_model_with_one_optimizer():
    class Seldom(Copier):
        def __init__(self, *args):
            super().__init__(*args)
            self.track("turns")

        def train_step(self, data):
            super().train_step(data)
            self.every(1, lambda: self.log(turns=1.0))
            self.every(2, lambda: self.log(turns=3.0))

    model = Seldom(network())
    model.compile(sgd(), jit_compile=False)
    # 4 batches: four times 1 and twice 3.
    assert model.fit(ROWS, batch_size=2, verbose=0).history["turns"] == [pytest.approx(10 / 6)]


# --- looked at again -----------------------------------------------------------------------------------------------


def test_a_whole_player_that_cannot_learn_is_named():
    gan = small_gan(run_eagerly=True)
    gan.discriminator.trainable = False
    before = everything(gan)
    for door in (lambda: gan.fit(X, verbose=0), lambda: gan.train_on_batch(X)):
        with pytest.raises(ValueError, match="Received: discriminator without a trainable weight. .*trainable = True"):
            door()
    assert_equal(before, gan)
    gan.discriminator.trainable = True
    gan.fit(X, verbose=0)
    frozen = plain()
    frozen[0].trainable = False
    with pytest.raises(ValueError, match="Received: generator='sequential.*without a trainable weight"):
        small_gan(lambda: frozen)


@pytest.mark.parametrize("run_eagerly", [True, False])
def test_a_part_that_is_frozen_after_a_fit_stays(run_eagerly):
    gan = small_gan(run_eagerly=run_eagerly)
    gan.fit(X, verbose=0)
    first, last = gan.generator.layers[:2]
    first.trainable = False
    before = [[w.numpy() for w in layer.weights] for layer in (first, last)]
    gan.fit(X, verbose=0)
    for a, w in zip(before[0], first.weights, strict=True):
        np.testing.assert_array_equal(a, w.numpy())
    assert any(not np.array_equal(a, w.numpy()) for a, w in zip(before[1], last.weights, strict=True))
    first.trainable = True
    assert moved(first, lambda: gan.fit(X, verbose=0))


def test_a_weight_that_the_optimizer_does_not_know_is_named():
    def players():
        G, D = plain()
        G.layers[0].trainable = False
        return G, D

    gan = small_gan(players, run_eagerly=True)
    gan.fit(X, verbose=0)
    gan.generator.layers[0].trainable = True
    with pytest.raises(ValueError, match="Received: .*kernel of generator, trainable now and not .*Call compile"):
        gan.fit(X, verbose=0)


def test_settings_that_are_changed_after_a_fit_take_effect():
    """A traced step would go on with the old ones, and the file would have the new ones."""
    penalty = lambda weight: gl.penalties.GradientPenalty(weight, seed=1)  # noqa: E731
    gan, twin = (small_gan(penalty=penalty(1.0), run_eagerly=eagerly) for eagerly in (False, True))
    for each in (gan, twin):
        each.fit(X, batch_size=2, verbose=0)
        light = each.evaluate(X, verbose=0, return_dict=True)["penalty"]
        each.discriminator_steps, each.penalty = 5, penalty(10.0)
        heavy = each.evaluate(X, verbose=0, return_dict=True)["penalty"]
        np.testing.assert_allclose(heavy, 10 * light, rtol=1e-4)
        each.fit(X, batch_size=2, verbose=0)
    assert int(gan.generator_optimizer.iterations) == 6 and gan.get_config()["discriminator_steps"] == 5
    for a, b in zip(gan.weights, twin.weights, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-6)


def test_a_penalty_where_there_was_none_is_no_silent_one():
    gan = small_gan(run_eagerly=True)
    gan.penalty = gl.penalties.GradientPenalty()
    with pytest.raises(ValueError, match="The history has d_loss, g_loss, d_real, d_fake. Received: log.penalty=…"):
        gan.fit(X, verbose=0)


def test_compiled_anew_it_counts_on():
    gan = small_gan(discriminator_steps=2, run_eagerly=True)
    gan.fit(X[:6], batch_size=2, verbose=0)
    gan.compile(generator_optimizer=sgd(), discriminator_optimizer=sgd(), run_eagerly=True)
    assert turns(gan, 4) == [1, 3] and gan.batches_trained == 7  # the batches 4 and 6


# --- compile -------------------------------------------------------------------------------------------------------


class Halves(gl.AdversarialModel):
    """Two players that nothing has called yet, and no `call` from which their shapes would follow."""

    player_names = {"left": ("one", "two"), "right": ("three",)}

    def __init__(self, one, two, three, fails=False):
        super().__init__()
        self.one, self.two, self.three, self.fails = one, two, three, fails
        self.batch = gl.Batch({"rows": gl.Part((4,))})
        self.track("loss")

    def train_step(self, data):
        rows = self.read(data)
        for player in self.player_names:
            with tf.GradientTape() as tape:
                loss = ops.mean(self.three(self.two(self.one(rows))) ** 2)
            self.log(loss=self.descend(player, loss, tape))

    def test_step(self, data):
        if self.fails:
            raise RuntimeError("no such layer")
        self.log(loss=ops.mean(self.three(self.two(self.one(self.read(data)))) ** 2))


def halves(**options):
    return Halves(*(keras.Sequential([layers.Dense(units)]) for units in (3, 5, 2)), **options)


def test_compile_builds_networks_that_nothing_has_called():
    model = halves()
    assert not model.one.built
    model.compile(left_optimizer="sgd", right_optimizer="sgd", run_eagerly=True)
    assert [w.shape for w in model.weights] == [(4, 3), (3,), (3, 5), (5,), (5, 2), (2,)]
    assert model.fit(ROWS, batch_size=3, verbose=0).history["loss"][0] > 0  # another size of batch
    assert model.batches_trained == 3


def test_what_compile_cannot_build_is_named_with_its_cause():
    with pytest.raises(ValueError, match="could not build one, two, three: .*RuntimeError: no such layer.*keras.Input"):
        halves(fails=True).compile(left_optimizer="sgd", right_optimizer="sgd")


def test_compile_names_the_optimizers_of_the_players():
    found = inspect.signature(Halves.compile).parameters
    assert list(found)[:3] == ["self", "left_optimizer", "right_optimizer"] and "optimizers" not in found
    assert found["left_optimizer"].kind is inspect.Parameter.KEYWORD_ONLY
    assert "jit_compile" in found and list(inspect.signature(gl.GAN.compile).parameters)[1:3] == [
        "generator_optimizer",
        "discriminator_optimizer",
    ]
    with pytest.raises(TypeError, match="compile.. takes left_optimizer, right_optimizer. Received: one_optimizer"):
        halves().compile(left_optimizer="sgd", one_optimizer="sgd")
    with pytest.raises(TypeError, match="Received: right_optimizer=None"):
        halves().compile(left_optimizer="sgd")


# --- copies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["pickle", "deepcopy"])
def test_copies_go_on_by_themselves(way):
    import copy
    import pickle

    gan, whole = (small_gan(discriminator_steps=2, run_eagerly=True) for _ in range(2))
    gan.fit(X, batch_size=4, verbose=0)
    again = copy.deepcopy(gan) if way == "deepcopy" else pickle.loads(pickle.dumps(gan))
    again.fit(X, batch_size=4, verbose=0)
    whole.fit(X, batch_size=4, epochs=2, verbose=0)
    assert_equal(whole, again)
    assert gan.batches_trained == 3


def test_a_clone_has_the_settings_and_other_weights():
    gan = small_gan(discriminator_steps=2)
    clone = keras.models.clone_model(gan)
    assert type(clone) is gl.GAN and clone.discriminator_steps == 2
    assert not {id(w) for w in clone.weights} & {id(w) for w in gan.weights}
    clone.set_weights(gan.get_weights())
    np.testing.assert_array_equal(clone.generate(3, seed=0), gan.generate(3, seed=0))
