"""What cannot train is refused, in words; what can is not."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from others import LATENT, PLAYERS, SHAPE, images, nested, subclassed

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
    with refused(ValueError, "must answer logits", "End it in Dense\\(1\\) without an activation"):
        GAN(generator(), functional, LATENT)


@pytest.mark.parametrize("built", [True, False])
def test_a_sequential_that_answers_probabilities(built):
    start = [keras.Input(SHAPE)] if built else []
    sequential = keras.Sequential(
        [*start, layers.Flatten(), layers.Dense(1), layers.Activation("sigmoid"), layers.Flatten()]
    )
    with refused(ValueError, "must answer logits", "ends in sigmoid"):
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
        with refused(ValueError, "must answer logits", "lie in \\[0, 1\\]"):
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
    with refused(ValueError, "same shape", "\\(12, 8, 8, 1\\)", "\\(n, 4, 4, 1\\)"):
        gan.fit(images(12, shape=(8, 8, 1)))


def test_sizes_and_channels_that_do_not_fit():
    for shape in ((8, 8, 1), (4, 4, 3), (16,)):
        with refused(ValueError, "discriminator must take what the generator makes", "same image_shape"):
            GAN(generator(), discriminator(shape=shape), LATENT)
    with refused(ValueError, "vector of latent_dim numbers", "latent_dim=7", "\\(None, 3\\)"):
        GAN(generator(), discriminator(), 7)
    # a functional network with a flat input accepts 4×4×1 = 16 numbers nowhere: it must be said before TensorFlow says it
    with refused(ValueError, "discriminator must take what the generator makes", "\\(4, 4, 1\\)"):
        GAN(generator(), keras.Sequential([keras.Input((5,)), layers.Dense(1)]), LATENT)


def test_a_subclassed_generator_for_other_latents():
    G, D = subclassed()
    G(np.zeros((1, 7), "float32"))
    with refused(
        ValueError, "must take latents of shape \\(batch, latent_dim\\)", "latent_dim=3", "Make the two agree"
    ):
        GAN(G, D, LATENT)


def test_networks_with_several_outputs():
    x = keras.Input(SHAPE)
    flat = layers.Flatten()(x)
    with refused(ValueError, "one tensor of logits", "list"):
        GAN(generator(), keras.Model(x, [layers.Dense(1)(flat), layers.Dense(3)(flat)]), LATENT)
    z = keras.Input((LATENT,))
    picture = layers.Reshape(SHAPE)(layers.Dense(16)(z))
    with refused(ValueError, "one image of each latent", "list"):
        GAN(keras.Model(z, [picture, picture]), discriminator(), LATENT)


def test_a_discriminator_that_mixes_up_the_batch_axis():
    class OneAnswer(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            return ops.mean(self.dense(ops.reshape(x, (-1, 16))), axis=0)

    with refused(ValueError, "each image by itself", "to 2 images"):
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
    with refused(ValueError, "objective must be one of", "'hinge'"):
        GAN(generator(), discriminator(), LATENT, objective="hinge")


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


# --- images --------------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(1)
UNIT = RNG.uniform(0, 1, (16, *SHAPE)).astype("float32")  # in [0, 1]


def with_nan(index, value=np.nan, count=16):
    bad = images(count)
    bad[index, 1, 2, 0] = value
    return bad


class Batches(keras.utils.PyDataset):
    def __init__(self, x, size=4, **kwargs):
        super().__init__(**kwargs)
        self.x, self.size, self.epochs_ended = x, size, 0

    def __len__(self):
        return -(-len(self.x) // self.size)

    def __getitem__(self, index):
        return self.x[index * self.size : (index + 1) * self.size]

    def on_epoch_end(self):
        self.epochs_ended += 1


FORMS = {
    "array": lambda x: x,
    "tensor": lambda x: tf.constant(x),
    "dataset": lambda x: tf.data.Dataset.from_tensor_slices(x).batch(8),
    "labelled dataset": lambda x: tf.data.Dataset.from_tensor_slices((x, np.arange(len(x)))).batch(8),
    "PyDataset": lambda x: Batches(x, 8),
    "generator": lambda x: (x[i : i + 8] for i in range(0, len(x), 8)),
}

WRONG_VALUES = {
    "in [0, 1]": (UNIT, ["makes images in \\[-1, 1\\]", "images \\* 2 - 1", "values from 0\\.\\d+ to 0.99"]),
    "in [0, 255]": (UNIT * 255, ["last activation can reach", "images / 127.5 - 1", "to 25\\d"]),
    "a little too wide": (images(16) * 1.5, ["last activation can reach", "values from -1.4\\d* to 1.4", "Rescale"]),
    "with a NaN": (with_nan(3), ["finite numbers", "NaN"]),
    "with an infinity": (with_nan(3, -np.inf), ["finite numbers", "infinity"]),
}


def everything(gan):
    """All that training could have moved."""
    optimizers = gan.generator_optimizer.variables + gan.discriminator_optimizer.variables
    return [np.array(v.numpy()) for v in [*gan.variables, *optimizers] if not v.path.startswith("mean")]


def same(before, after):
    return all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("wrong", WRONG_VALUES, ids=str)
def test_wrong_values_in_every_form(gan, wrong, form):
    before = everything(gan)
    x, words = WRONG_VALUES[wrong]
    with refused(ValueError, *words):
        gan.fit(FORMS[form](x), verbose=0)
    assert same(before, everything(gan)), "no weight may have been touched"


@pytest.mark.parametrize("form", ["array", "dataset"])
def test_wrong_values_in_evaluate_and_validation_data(gan, form):
    with refused(ValueError, "last activation can reach"):
        gan.evaluate(FORMS[form](UNIT * 255), verbose=0)
    with refused(ValueError, "Received: validation_data with values from", "last activation can reach"):
        gan.fit(images(4), validation_data=FORMS[form](UNIT * 255), verbose=0)
    with refused(ValueError, "Received: validation_data with a NaN"):
        gan.fit(images(4), validation_data=(with_nan(2), np.zeros(16)), verbose=0)


@pytest.mark.parametrize("form", ["dataset", "labelled dataset", "PyDataset", "generator"])
def test_a_nan_in_the_third_batch_touches_no_weight_and_no_file(tmp_path, form):
    gan = compiled()
    gan.fit(images(16), batch_size=8, verbose=0)
    path = tmp_path / "best.keras"
    gan.save(path)
    saved = path.read_bytes()
    at_batch = []
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: at_batch.append(everything(gan)))
    checkpoint = keras.callbacks.ModelCheckpoint(path, monitor="d_loss", mode="min", save_best_only=False)
    with refused(ValueError, "finite numbers"):
        gan.fit(FORMS[form](with_nan(19, count=24)), verbose=0, callbacks=[watch, checkpoint])
    assert len(at_batch) == 2, "two good batches were trained on"
    assert same(at_batch[-1], everything(gan)), "the third moved nothing"
    assert path.read_bytes() == saved and [p.name for p in tmp_path.iterdir()] == ["best.keras"]
    assert not any(np.isnan(value).any() for value in everything(gan))


def test_integers_are_refused_with_the_recipe(gan):
    pixels = RNG.integers(0, 256, (8, *SHAPE)).astype("uint8")
    for form in ("array", "dataset", "labelled dataset", "generator", "PyDataset"):
        with refused(TypeError, "floating-point", "uint8", "astype\\('float32'\\) / 127.5 - 1"):
            gan.fit(FORMS[form](pixels), verbose=0)
    with refused(TypeError, "floating-point", "int64"):
        gan.fit(pixels.astype("int64"), verbose=0)


@pytest.mark.parametrize(
    "shape, form",
    [((8, 8, 1), form) for form in FORMS] + [((4, 4, 3), "array"), ((4, 4, 3), "dataset"), ((4, 5, 1), "array")],
)
def test_sizes_and_channels(gan, shape, form):
    with refused(ValueError, "must have the same shape", f"{shape[0]}, {shape[1]}, {shape[2]}", "\\(n, 4, 4, 1\\)"):
        gan.fit(FORMS[form](images(8, shape=shape)), verbose=0)


def test_a_missing_axis_is_named(gan):
    with refused(ValueError, "Add the channel axis: images\\[..., None\\]"):
        gan.fit(images(8)[..., 0], verbose=0)
    with refused(ValueError, "batch axis is missing: dataset.batch\\(64\\)"):
        gan.fit(tf.data.Dataset.from_tensor_slices(images(8)), verbose=0)
    with refused(ValueError, "Add the channel axis"):
        gan.fit(tf.data.Dataset.from_tensor_slices(images(8)[..., 0]).batch(4), verbose=0)
    with refused(ValueError, "batch axis is missing"):
        gan.fit(images(1)[0], verbose=0)


@pytest.mark.parametrize(
    "signature", [tf.TensorSpec(None), tf.TensorSpec((None, None, None, 1)), tf.TensorSpec((None,) * 4)], ids=str
)
def test_shapes_that_a_data_set_does_not_declare(gan, signature):
    def data(shape):
        return tf.data.Dataset.from_generator(lambda: iter([images(4, shape=shape)]), output_signature=signature)

    with refused(ValueError, "must have the same shape", "\\[4,8,8,1\\]", "\\(n, 4, 4, 1\\)"):
        gan.fit(data((8, 8, 1)), verbose=0)
    assert np.isfinite(gan.fit(data(SHAPE), verbose=0).history["d_loss"]).all()


def test_empty_sets(gan):
    with refused(ValueError, "x must not be empty", "\\(0, 4, 4, 1\\)"):
        gan.fit(images(0), verbose=0)
    with refused(ValueError, "x must not be empty"):
        gan.fit(FORMS["dataset"](images(0)), verbose=0)
    with refused(ValueError, "x must not be empty"):
        gan.fit(FORMS["dataset"](images(4)).take(0), verbose=0)
    unknown = tf.data.Dataset.from_tensor_slices(images(8)).filter(lambda x: tf.reduce_all(x > 2)).batch(4)
    with pytest.warns(UserWarning, match="ran out of data"), refused(ValueError, "x must not be empty"):
        gan.fit(unknown, epochs=3, verbose=0)
    with refused(ValueError, "x must not be empty"):
        gan.fit(Batches(images(0)), verbose=0)
    with refused(ValueError, "empty generator"):
        gan.fit(iter([]), verbose=0)
    with refused(ValueError, "must not be empty"):
        gan.evaluate(images(0), verbose=0)


@pytest.mark.parametrize("x", [None, "mnist", [1, 2, 3], {"image": 1}, 5], ids=repr)
def test_what_is_not_images(gan, x):
    with refused(TypeError, "x must be images", "Received: x"):
        gan.fit(x)


def test_a_data_set_of_dictionaries(gan):
    data = tf.data.Dataset.from_tensor_slices({"image": images(8)}).batch(4)
    with refused(TypeError, "must yield images", "dataset.map"):
        gan.fit(data)


def test_latents_of_the_wrong_size(gan):
    for wrong in (np.zeros((2, 4)), np.zeros(3), np.zeros((0, 3)), np.zeros((2, 3, 1))):
        with refused(ValueError, "latents must have shape \\(count, 3\\)"):
            gan.generate(latents=wrong)
    with refused(ValueError, "latents must have shape \\(batch, 3\\)"):
        gan.predict(np.zeros((2, 4), "float32"), verbose=0)
    with refused(ValueError, "count must be the number of latents", "count=3, 2 latents"):
        gan.generate(3, latents=np.zeros((2, 3)))
    with refused(ValueError, "needs a count or latents"):
        gan.generate()
    for count in (0, -1, 2.5, "4", True):
        with refused(ValueError, "count must be a positive integer", "Received: count="):
            gan.generate(count)


def test_arrays_are_judged_by_what_is_in_them():
    check = validation.check_array
    check(images(16), SHAPE, (-1.0, 1.0))
    check(UNIT, SHAPE, None)
    for wrong in (UNIT, UNIT * 255, with_nan(0)):
        with pytest.raises(validation.ImageError):
            check(wrong, SHAPE, (-1.0, 1.0))
    assert issubclass(validation.ImageError, ValueError)
    with refused(TypeError, "y must be images", "of type list"):
        check([1.0], SHAPE, None, name="y")


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


# --- no false alarm ------------------------------------------------------------------------------------------------


def test_a_small_bright_batch_is_trained_on(gan):
    bright = UNIT[:7] * 0.9 + 0.05
    gan.fit(bright, verbose=0)
    # The last batch of a data set is often small, and may be of bright images alone.
    whole = np.concatenate([images(8), bright])
    gan.fit(tf.data.Dataset.from_tensor_slices(whole).batch(8), verbose=0)
    gan.fit(np.concatenate([images(1), UNIT]), verbose=0)  # one image with a dark pixel is enough


def test_a_little_past_the_end_is_rounding(gan):
    gan.fit(images(8) * 1.0009, verbose=0)


def test_black_images_are_not_dark_by_mistake(gan):
    gan.fit(np.zeros((16, *SHAPE), "float32"), verbose=0)  # grey: no range to be wrong about
    gan.fit(-np.ones((16, *SHAPE), "float32"), verbose=0)


def test_a_sigmoid_generator_takes_0_to_1_and_refuses_the_rest():
    gan = compiled(generator("sigmoid"))
    gan.fit(UNIT, verbose=0)
    with refused(ValueError, "last activation can reach", "values from -0.9"):
        gan.fit(images(16), verbose=0)


@pytest.mark.parametrize("shape", [(1,), (2,)], ids=str)
def test_points_of_any_scale_with_a_linear_generator(shape):
    gan = compiled(generator(None, shape), discriminator(None, shape))
    gan.fit(100 + images(16, shape=shape), verbose=0)
    gan.fit(tf.data.Dataset.from_tensor_slices(-50 * UNIT.reshape(-1, *shape)).batch(16), verbose=0)


def test_points_to_one_side_of_zero_with_a_tanh_generator():
    gan = compiled(generator("tanh", (2,)), discriminator(None, (2,)))
    gan.fit(UNIT.reshape(-1, 2), verbose=0)
    gan.fit(tf.data.Dataset.from_tensor_slices(UNIT.reshape(-1, 2)).batch(16), verbose=0)


def test_images_of_any_range_with_a_linear_generator():
    gan = compiled(generator(None))
    for x in (UNIT, UNIT * 255, images(16) * 3):
        gan.fit(x, verbose=0)


@pytest.mark.parametrize("players", PLAYERS, ids=str)
def test_other_peoples_networks_are_judged_alike(players):
    gan = compiled(*PLAYERS[players]())
    with refused(ValueError, "makes images in \\[-1, 1\\]"):
        gan.fit(UNIT, verbose=0)
    with refused(ValueError, "images / 127.5 - 1"):
        gan.fit(UNIT * 255, verbose=0)


def test_looking_at_networks_draws_no_random_number():
    keras.utils.set_random_seed(3)
    expected = keras.ops.convert_to_numpy(keras.random.normal((4,)))
    G, D = subclassed()
    validation.check_players(G, D, LATENT, False)
    keras.utils.set_random_seed(3)
    validation.check_players(G, D, LATENT, False)
    validation.output_range(G, LATENT)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(keras.random.normal((4,))), expected)


def test_a_py_dataset_stays_what_it_is():
    data = Batches(images(10), workers=2)
    guarded = validation.guard(data, SHAPE, (-1.0, 1.0))
    assert guarded.num_batches == 3 and guarded.workers == 2
    np.testing.assert_array_equal(guarded[2], data[2])
    guarded.on_epoch_end()
    assert data.epochs_ended == 1
