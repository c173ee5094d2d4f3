"""Networks that cannot train are refused, in words; those that can are not."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from others import LATENT, SHAPE, images, nested, subclassed

from gan_lessons import GAN, networks, validation
from gan_lessons.penalties import GradientPenalty


def generator(end="tanh", shape=SHAPE):
    return keras.Sequential(
        [
            keras.Input((LATENT,)),
            layers.Dense(5, activation="relu"),
            layers.Dense(int(np.prod(shape)), activation=end),
            layers.Reshape(shape),
        ]
    )


def discriminator(end=None, shape=SHAPE):
    return keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(4), layers.Dense(1, activation=end)])


def compiled(G=None, D=None, **arguments):
    keras.utils.set_random_seed(0)
    gan = GAN(G or generator(), D or discriminator(), LATENT, **arguments)
    gan.compile(
        generator_optimizer=keras.optimizers.SGD(0.01),
        discriminator_optimizer=keras.optimizers.SGD(0.01),
        jit_compile=False,
    )
    return gan


@pytest.fixture(scope="module")
def gan():
    return compiled()


def refused(error, *words):
    """A context in which `error` must be raised, with each of the words in its message, on few lines."""
    return pytest.raises(error, match="(?s)" + "".join(f"(?=.*{word})" for word in words))


# --- the two networks ----------------------------------------------------------------------------------------------


def sigmoid_layer(x):
    return layers.Activation("sigmoid")(layers.Dense(1)(x))


class Sigmoid(keras.layers.Layer):
    def call(self, x):
        return ops.sigmoid(x)


SIGMOIDS = {
    "activation='sigmoid'": lambda x: layers.Dense(1, activation="sigmoid")(x),
    "keras.activations": lambda x: layers.Dense(1, activation=keras.activations.sigmoid)(x),
    "tf.nn": lambda x: layers.Dense(1, activation=tf.nn.sigmoid)(x),
    "Activation": sigmoid_layer,
    "operation": lambda x: ops.sigmoid(layers.Dense(1)(x)),
    "then Reshape": lambda x: layers.Reshape((1,))(sigmoid_layer(x)),
    "then Flatten": lambda x: layers.Flatten()(sigmoid_layer(x)),
    "then float32": lambda x: layers.Activation("linear", dtype="float32")(sigmoid_layer(x)),
    "nested Sequential": lambda x: keras.Sequential([layers.Dense(2), layers.Dense(1), layers.Activation("sigmoid")])(
        x
    ),
    "hard": lambda x: layers.Dense(1, activation="hard_sigmoid")(x),
    "softmax": lambda x: layers.Softmax()(layers.Dense(1)(x)),
    "layer of one's own": lambda x: Sigmoid()(layers.Dense(1)(x)),
    "lambda": lambda x: layers.Dense(1, activation=lambda t: 1 / (1 + ops.exp(-t)))(x),
}


@pytest.mark.parametrize("end", SIGMOIDS, ids=str)
def test_a_discriminator_that_answers_probabilities(end):
    x = keras.Input(SHAPE)
    functional = keras.Model(x, SIGMOIDS[end](layers.Dense(8)(layers.Flatten()(x))))
    with refused(ValueError, "must output logits", "End it in Dense\\(1\\) without an activation"):
        GAN(generator(), functional, LATENT)


@pytest.mark.parametrize("built", [True, False])
def test_a_sequential_that_answers_probabilities(built):
    start = [keras.Input(SHAPE)] if built else []
    sequential = keras.Sequential(
        [*start, layers.Flatten(), layers.Dense(1), layers.Activation("sigmoid"), layers.Flatten()]
    )
    with refused(ValueError, "must output logits", "ends in sigmoid"):
        GAN(generator(), sequential, LATENT)


def test_a_subclass_that_answers_probabilities():
    class Subclass(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden, self.logit = layers.Dense(16, activation="relu"), layers.Dense(1)

        def call(self, x):
            return ops.sigmoid(self.logit(self.hidden(ops.reshape(x, (-1, 16)))))

    for seed in range(3):
        keras.utils.set_random_seed(seed)
        with refused(ValueError, "must output logits", "lie in \\[0, 1\\]"):
            GAN(generator(), Subclass(), LATENT)


@pytest.mark.parametrize("seed", range(5))
def test_discriminators_that_answer_logits_are_not_refused(seed):
    keras.utils.set_random_seed(seed)
    sigmoid_inside = keras.Sequential([layers.Flatten(), layers.Dense(4, activation="sigmoid"), layers.Dense(1)])
    zero = keras.Sequential([layers.Flatten(), layers.Lambda(lambda t: t), layers.Dense(1, kernel_initializer="zeros")])
    zero.add(layers.Lambda(lambda t: t))
    for network in (sigmoid_inside, zero, subclassed()[1], nested()[1], discriminator("linear")):
        GAN(generator(), network, LATENT)


def fully_convolutional(shape=(None, None, 1)):
    return keras.Sequential(
        [keras.Input(shape), layers.Conv2D(4, 2, strides=2), layers.LeakyReLU(), layers.Conv2D(1, 1)]
    )


def test_a_map_where_a_number_is_meant():
    with refused(ValueError, "one logit an image", "\\(None, 2, 2, 1\\)", "patch_logits=True"):
        GAN(generator(), fully_convolutional(), LATENT)
    GAN(generator(), fully_convolutional(), LATENT, patch_logits=True)
    two = keras.Sequential([layers.Flatten(), layers.Dense(2)])
    with refused(ValueError, "one logit an image", "\\(None, 2\\)"):
        GAN(generator(), two, LATENT)
    flat = keras.Sequential([layers.Flatten(), layers.Dense(1), layers.Reshape(())])
    GAN(generator(), flat, LATENT)  # one logit, without an axis for it


def test_a_fully_convolutional_discriminator_does_not_hide_another_size():
    gan = compiled(D=fully_convolutional(), patch_logits=True)
    with refused(ValueError, "must have shape", "\\(12, 8, 8, 1\\)", "\\(n, 4, 4, 1\\)"):
        gan.fit(images(12, shape=(8, 8, 1)))


def test_sizes_and_channels_that_do_not_fit():
    for shape in ((8, 8, 1), (4, 4, 3), (16,)):
        with refused(ValueError, "discriminator must take what the generator makes", "same image_shape"):
            GAN(generator(), discriminator(shape=shape), LATENT)
    with refused(ValueError, "vector of latent_dim numbers", "latent_dim=7", "\\(None, 3\\)"):
        GAN(generator(), discriminator(), 7)
    # a functional network with a flat input accepts 4×4×1 = 16 numbers nowhere: it must be said before TensorFlow says it
    with refused(ValueError, "discriminator must take what the generator makes", "4, 4, 1\\)"):
        GAN(generator(), keras.Sequential([keras.Input((5,)), layers.Dense(1)]), LATENT)


def test_a_subclassed_generator_for_other_latents():
    G, D = subclassed()
    G(np.zeros((1, 7), "float32"))
    with refused(ValueError, "must take latents of shape \\(batch, latent_dim\\)", "latent_dim=3", "ake the two agree"):
        GAN(G, D, LATENT)


def test_networks_with_several_outputs():
    x = keras.Input(SHAPE)
    flat = layers.Flatten()(x)
    with refused(ValueError, "one tensor of logits", "list"):
        GAN(generator(), keras.Model(x, [layers.Dense(1)(flat), layers.Dense(3)(flat)]), LATENT)
    z = keras.Input((LATENT,))
    picture = layers.Reshape(SHAPE)(layers.Dense(16)(z))
    with refused(ValueError, "one sample of each latent", "list"):
        GAN(keras.Model(z, [picture, picture]), discriminator(), LATENT)


def test_a_discriminator_that_mixes_up_the_batch_axis():
    class OneAnswer(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            return ops.mean(self.dense(ops.reshape(x, (-1, 16))), axis=0)

    with refused(ValueError, "each image by itself", "for 2 images"):
        GAN(generator(), OneAnswer(), LATENT)


def test_players_must_be_networks_and_two():
    with refused(TypeError, "generator must be a Keras model", "Call the function that makes it"):
        GAN(generator, discriminator(), LATENT)
    with refused(TypeError, "discriminator must be a Keras model", "NoneType"):
        GAN(generator(), None, LATENT)
    same = keras.Sequential([layers.Dense(3)])
    with refused(ValueError, "two networks"):
        GAN(same, same, LATENT)


@pytest.mark.parametrize(
    "latent_dim, error",
    [(0, ValueError), (-1, ValueError), (3.0, TypeError), (True, TypeError), ("3", TypeError), (None, TypeError)],
    ids=repr,
)
def test_latent_dim(latent_dim, error):
    with refused(error, "latent_dim must be", "Received: latent_dim="):
        GAN(generator(), discriminator(), latent_dim)


@pytest.mark.parametrize(
    "steps, error", [(0, ValueError), (-2, ValueError), (1.5, TypeError), (True, TypeError)], ids=repr
)
def test_discriminator_steps(steps, error):
    with refused(error, "discriminator_steps must be", "Received: discriminator_steps="):
        GAN(generator(), discriminator(), LATENT, discriminator_steps=steps)


def test_fakes_are_shared_only_where_turns_alternate():
    with refused(ValueError, "can share fakes", "discriminator_steps=5", "Leave share_fakes out"):
        GAN(generator(), discriminator(), LATENT, discriminator_steps=5, share_fakes=True)


def test_penalty_and_objective():
    with refused(TypeError, "penalty must be called as", "GradientPenalty"):
        GAN(generator(), discriminator(), LATENT, penalty=10.0)
    with refused(ValueError, "objective must be one of", "'hinges'"):
        GAN(generator(), discriminator(), LATENT, objective="hinges")


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_a_player_that_cannot_learn(player):
    networks = {"generator": generator(), "discriminator": discriminator()}
    networks[player].trainable = False
    with refused(ValueError, "must be able to learn", f"Set {player}.trainable = True"):
        GAN(**networks, latent_dim=LATENT)
    networks[player].trainable = True
    gan = GAN(**networks, latent_dim=LATENT)
    networks[player].trainable = False  # the habit from older Keras: freeze D, then compile
    with refused(ValueError, "must be able to learn", f"Set {player}.trainable = True"):
        gan.compile(generator_optimizer="adam", discriminator_optimizer="adam")
    nothing = keras.Sequential([layers.Flatten(), layers.Lambda(lambda t: t[:, :1])])
    with refused(ValueError, "must be able to learn"):
        GAN(generator(), nothing, LATENT)


def test_batch_norm_under_a_penalty_is_warned_of():
    D = networks.dcgan_discriminator((8, 8, 1), filters=(2, 2))
    G = networks.mlp_generator((8, 8, 1), LATENT, units=(2,))
    with pytest.warns(UserWarning, match="BatchNormalization makes .* batch_normalization"):
        GAN(G, D, LATENT, penalty=GradientPenalty())


@pytest.mark.parametrize(
    "end, found", [("tanh", "tanh"), ("sigmoid", "sigmoid"), (None, "linear"), ("relu", "relu")], ids=str
)
def test_last_activation(end, found):
    assert validation.last_activation(generator(end)) == found
    x = keras.Input((4,))
    assert (
        validation.last_activation(keras.Model(x, layers.Reshape((2, 2))(layers.Dense(4, activation=end)(x)))) == found
    )


def test_last_activation_looks_at_the_end_only():
    assert (
        validation.last_activation(keras.Sequential([layers.Dense(3, activation="tanh"), layers.Dense(3)])) == "linear"
    )
    assert validation.last_activation(subclassed()[0]) is None
    assert validation.last_activation(nested()[0]) == "tanh"


@pytest.mark.parametrize("seed", range(3))
def test_output_range_by_trial(seed):
    keras.utils.set_random_seed(seed)

    def ends_in(function, *before):
        return keras.Sequential([*before, layers.Dense(16), layers.Reshape(SHAPE), layers.Lambda(function)])

    assert validation.output_range(subclassed()[0], LATENT) == (-1, 1)
    assert validation.output_range(ends_in(ops.tanh), LATENT) == (-1, 1)
    assert validation.output_range(ends_in(lambda t: ops.clip(t, -1, 1)), LATENT) == (-1, 1)
    assert validation.output_range(ends_in(ops.sigmoid), LATENT) == (0, 1)
    assert validation.output_range(ends_in(lambda t: t), LATENT) is None
    assert validation.output_range(ends_in(lambda t: 0.1 * t, layers.LayerNormalization()), LATENT) is None
    assert validation.output_range(ends_in(lambda t: 3 * ops.tanh(t)), LATENT) is None
    assert validation.output_range(ends_in(ops.relu), LATENT) is None
    assert validation.output_range(generator("relu"), LATENT) is None


# --- optimizers ----------------------------------------------------------------------------------------------------


def test_optimizers_missing_shared_or_used():
    gan = GAN(generator(), discriminator(), LATENT)
    with refused(TypeError, "Each player needs an optimizer", "generator_optimizer=None"):
        gan.compile(discriminator_optimizer="adam")
    with refused(TypeError, "discriminator_optimizer=None", "keras.optimizers.Adam"):
        gan.compile(generator_optimizer="adam")
    with refused(TypeError, "compile\\(\\) takes generator_optimizer, discriminator_optimizer", "Received: optimizer"):
        gan.compile(optimizer="adam")
    with refused(TypeError, "Received: g_optimizer, loss"):
        gan.compile(g_optimizer="adam", loss="mse", discriminator_optimizer="adam")
    shared = keras.optimizers.Adam()
    with refused(ValueError, "an optimizer of its own", "discriminator_optimizer"):
        gan.compile(generator_optimizer=shared, discriminator_optimizer=shared)
    used = keras.optimizers.Adam()
    gan.compile(generator_optimizer=used, discriminator_optimizer="adam")
    with refused(ValueError, "used already", "generator_optimizer"):
        gan.compile(generator_optimizer=used, discriminator_optimizer="adam")
    with pytest.raises(ValueError):
        gan.compile(generator_optimizer="no such thing", discriminator_optimizer="adam")


def test_training_before_compile_says_so():
    with refused(ValueError, "compile"):
        GAN(generator(), discriminator(), LATENT).fit(images())


def test_players_are_judged_one_by_one():
    validation.check_learns("generator", generator())
    frozen = generator()
    frozen.trainable = False
    with refused(ValueError, "critic=", "without a trainable weight"):
        validation.check_learns("critic", frozen)
    normalised = keras.Sequential([keras.Input(SHAPE), layers.BatchNormalization(name="mixes"), layers.Flatten()])
    assert "mixes" in validation.warn_about_batch_norm(normalised, GradientPenalty())
    assert validation.warn_about_batch_norm(normalised, None) is None
    assert validation.mixing_layers(normalised) == ["mixes"]
    assert validation.mixing_layers(keras.Sequential([keras.Input(SHAPE), normalised])) == ["mixes"], "nested"
    normalised.get_layer("mixes").trainable = False
    assert validation.mixing_layers(normalised) == []
    assert validation.warn_about_batch_norm(normalised, GradientPenalty()) is None
    assert validation.warn_about_batch_norm(discriminator(), GradientPenalty()) is None


def test_looking_at_networks_draws_no_random_number():
    keras.utils.set_random_seed(3)
    expected = keras.ops.convert_to_numpy(keras.random.normal((4,)))
    G, D = subclassed()
    validation.check_players(G, D, LATENT, False)
    keras.utils.set_random_seed(3)
    validation.check_players(G, D, LATENT, False)
    validation.output_range(G, LATENT)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(keras.random.normal((4,))), expected)


# --- networks that take batches of certain sizes ----------------------------------------------------------------------


@keras.saving.register_keras_serializable("test_validation")
class GroupStatistics(layers.Layer):
    """Adds a channel with the spread over groups of 8 samples, as minibatch statistics do: other batches are an error."""

    def call(self, x):
        groups = ops.reshape(x, (8, -1, x.shape[-1]))
        return ops.concatenate(
            [x, ops.repeat(ops.mean(ops.std(groups, axis=0), axis=-1, keepdims=True), 8, axis=0)], -1
        )

    def compute_output_shape(self, shape):
        return (*shape[:-1], shape[-1] + 1)


def test_a_network_may_take_batches_of_certain_sizes_only():
    D = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), GroupStatistics(), layers.Dense(1)])
    gan = compiled(D=D)
    assert np.isfinite(gan.fit(images(16), batch_size=8, verbose=0).history["d_loss"]).all()


class Broken(layers.Layer):
    def call(self, x):
        raise KeyError("attention map 3")


def test_an_error_inside_a_network_is_shown_as_what_it_is():
    G = keras.Sequential([layers.Dense(16), layers.Reshape(SHAPE), Broken()])
    with refused(ValueError, "KeyError", "attention map 3", "mend the network") as caught:
        GAN(G, discriminator(), LATENT)
    assert isinstance(caught.value.__cause__, KeyError)
    with refused(ValueError, "KeyError", "attention map 3"):
        GAN(generator(), keras.Sequential([layers.Flatten(), Broken(), layers.Dense(1)]), LATENT)


def test_players_that_share_a_layer():
    shared = layers.Dense(8, name="shared")
    z, x = keras.Input((LATENT,)), keras.Input((4,))
    G = keras.Model(z, layers.Dense(4)(shared(layers.Dense(4)(z))))
    D = keras.Model(x, layers.Dense(1)(shared(x)))
    with refused(ValueError, "weights of its own", "generator and discriminator", "shared/kernel"):
        GAN(G, D, LATENT)


def test_check_logits_takes_a_logit_for_each_sample():
    for shape in ((4, 1), (4,)):
        validation.check_logits(ops.zeros(shape), 4)
    validation.check_logits(ops.zeros((4, 3, 3, 1)), 4, patch_logits=True)
    for shape in ((4, 2), (3, 1), (4, 3, 3, 1)):
        with pytest.raises(ValueError, match="Received"):
            validation.check_logits(ops.zeros(shape), 4)
