"""Layers: the numbers, slopes and saved files of Keras's own, for less work; and the layers that GANs need besides."""

import collections
import functools
import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_lessons import GAN, networks, penalties
from gan_lessons.layers import (
    BatchNormalization,
    LeakyReLU,
    MinibatchStdDev,
    Pack,
    SelfAttention,
    SpectralNorm,
    spectral_norm,
)

OURS, KERAS = BatchNormalization, keras.layers.BatchNormalization
SHAPES = {"images": (8, 4, 5, 3), "one image": (1, 3, 2, 3), "one pixel each": (8, 1, 1, 3), "one pixel": (1, 1, 1, 3)}


def numbers(shape, seed=0):
    return np.random.default_rng(seed).normal(2, 3, shape).astype("float32")


def of_keras(layer):
    """A layer as Keras has it."""
    kind = {OURS: KERAS, LeakyReLU: keras.layers.LeakyReLU}.get(type(layer), type(layer))
    return kind.from_config(layer.get_config())


def layer_of(kind, shape, **options):
    layer = kind(**options)
    layer.build(shape)
    for seed, weight in enumerate([layer.gamma] * layer.scale + [layer.beta] * layer.center):
        weight.assign(numbers(weight.shape, seed + 1))
    return layer


def all_that_comes_out(layer, x, training=True, **options):
    """What a call answers and keeps, its slopes, and the slopes of its slopes, which a gradient penalty asks for."""
    x, weights = tf.cast(x, layer.compute_dtype), layer.trainable_variables
    direction = tf.constant(numbers(x.shape, seed=9))
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape(persistent=True) as inner:
            inner.watch(x)
            y = layer(x, training=training, **options)
            along = tf.reduce_sum(tf.cast(y, "float32") * direction)
        slopes = inner.gradient(along, [x, *weights])
        length = tf.reduce_sum(tf.cast(slopes[0], "float32") ** 2)
    in_x, in_gamma, in_beta = outer.gradient(length, [x, *weights])
    assert in_beta is None or not np.any(in_beta), "β shifts, and leaves every slope as it is"
    found = [y, *slopes, in_x, in_gamma, *layer.non_trainable_variables]
    return [keras.ops.convert_to_numpy(keras.ops.cast(value, "float32")) for value in found]


def used_kernel(layer, *arguments, **options):
    graph = tf.function(lambda x: layer(x, **options)).get_concrete_function(*arguments).graph
    return any(operation.type.startswith("FusedBatchNorm") for operation in graph.get_operations())


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_all_that_comes_out_is_what_keras_has(shape):
    ours, theirs = (layer_of(kind, shape, momentum=0.7) for kind in (OURS, KERAS))
    assert used_kernel(ours, tf.TensorSpec(shape), training=True)
    for own, other in zip(
        all_that_comes_out(ours, numbers(shape)), all_that_comes_out(theirs, numbers(shape)), strict=True
    ):
        np.testing.assert_allclose(own, other, rtol=1e-4, atol=2e-5 * max(1, np.abs(other).max()))


def test_it_is_the_formula():
    x, layer = numbers((8, 4, 5, 3)), layer_of(OURS, (8, 4, 5, 3), momentum=0.9, epsilon=0.01)
    gamma, beta = (keras.ops.convert_to_numpy(weight) for weight in layer.trainable_variables)
    mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))  # n in the denominator, not n − 1
    expected = gamma * (x - mean) / np.sqrt(variance + 0.01) + beta
    np.testing.assert_allclose(layer(x, training=True), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * mean, rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * variance, rtol=1e-4)


def test_its_slope_is_that_of_finite_differences():
    x, layer = numbers((4, 2, 2, 2)), layer_of(OURS, (4, 2, 2, 2))
    direction, weighing = numbers(x.shape, 3) / 10, numbers(x.shape, 4)

    def value(step):
        return float(np.sum(weighing * np.float64(layer(x + np.float32(step) * direction, training=True))))

    point = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(point)
        loss = tf.reduce_sum(weighing * layer(point, training=True))
    slope = float(tf.reduce_sum(tape.gradient(loss, point) * direction))
    assert slope == pytest.approx((value(0.05) - value(-0.05)) / 0.1, rel=0.02)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_in_sixteen_bits(policy):
    shape = SHAPES["images"]
    ours, theirs = (layer_of(kind, shape, dtype=policy) for kind in (OURS, KERAS))
    own, other = (all_that_comes_out(layer, numbers(shape)) for layer in (ours, theirs))
    assert used_kernel(ours, tf.TensorSpec(shape, ours.compute_dtype), training=True)
    assert ours(numbers(shape), training=True).dtype == ours.compute_dtype
    assert {weight.dtype for weight in ours.variables} == {"float32"}
    rounding = 2**-8 if policy == "mixed_bfloat16" else 2**-10
    for a, b in zip(own, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=rounding, atol=2 * rounding * np.abs(b).max())


def test_what_is_not_brought_to_the_layers_type_is_answered_in_it():
    x = tf.cast(numbers((8, 4, 5, 3)), "bfloat16")
    ours, theirs = (layer_of(kind, x.shape, autocast=False) for kind in (OURS, KERAS))
    assert ours(x, training=True).dtype == theirs(x, training=True).dtype == "float32"
    np.testing.assert_allclose(ours(x, training=True), theirs(x, training=True), atol=0.03)


LEFT_TO_KERAS = {
    "not training": ({}, {"training": False}, (8, 4, 5, 3)),
    "training is not said": ({}, {}, (8, 4, 5, 3)),
    "frozen": ({"trainable": False}, {"training": True}, (8, 4, 5, 3)),
    "vectors": ({}, {"training": True}, (8, 3)),
    "volumes": ({}, {"training": True}, (4, 2, 2, 2, 3)),
    "another axis": ({"axis": 1}, {"training": True}, (8, 4, 5, 3)),
    "no scale": ({"scale": False}, {"training": True}, (8, 4, 5, 3)),
    "no center": ({"center": False}, {"training": True}, (8, 4, 5, 3)),
    "a tiny epsilon": ({"epsilon": 1e-7}, {"training": True}, (8, 4, 5, 3)),
    "synchronized": ({"synchronized": True}, {"training": True}, (8, 4, 5, 3)),
    "in float64": ({"dtype": "float64"}, {"training": True}, (8, 4, 5, 3)),
    "in float16 alone": ({"dtype": "float16"}, {"training": True}, (8, 4, 5, 3)),
    "a mask": ({}, {"training": True, "mask": np.arange(160).reshape(8, 4, 5) % 3 > 0}, (8, 4, 5, 3)),
}  # fmt: skip
if "renorm" in inspect.signature(KERAS).parameters:  # since Keras 3.15
    LEFT_TO_KERAS["renorm"] = ({"renorm": True}, {"training": True}, (8, 4, 5, 3))


@pytest.mark.parametrize("made_with, called_with, shape", LEFT_TO_KERAS.values(), ids=LEFT_TO_KERAS)
def test_what_the_kernel_does_not_know_is_left_to_keras(made_with, called_with, shape):
    ours, theirs = (layer_of(kind, shape, **made_with) for kind in (OURS, KERAS))
    assert not used_kernel(ours, tf.TensorSpec(shape, ours.compute_dtype), **called_with)
    for _ in range(2):
        np.testing.assert_array_equal(ours(numbers(shape), **called_with), theirs(numbers(shape), **called_with))
    for own, other in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_array_equal(own, other)


@pytest.mark.parametrize("axis", [-1, 3])
def test_the_last_axis_by_either_name(axis):
    assert used_kernel(layer_of(OURS, (8, 4, 5, 3), axis=axis), tf.TensorSpec((None, 4, 5, 3)), training=True)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_batches_of_unknown_size_compiled_too(jit_compile):
    ours, theirs = (layer_of(kind, (None, 4, 5, 3)) for kind in (OURS, KERAS))
    spec = [tf.TensorSpec((None, 4, 5, 3))]
    step = tf.function(lambda x: ours(x, training=True), input_signature=spec, jit_compile=jit_compile)
    for count in (8, 3):
        x = numbers((count, 4, 5, 3), seed=count)
        np.testing.assert_allclose(step(x), theirs(x, training=True), rtol=1e-4, atol=1e-5)
    for own, other in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-5)


def test_keras_loads_into_it_and_it_loads_into_keras(tmp_path):
    generator = networks.dcgan_generator((8, 8, 1), latent_dim=3, filters=(4, 4))
    latents = numbers((6, 3))
    generator(latents, training=True)  # moves the statistics
    generator.save(tmp_path / "generator.keras")
    again = keras.saving.load_model(tmp_path / "generator.keras", safe_mode=True)
    assert [type(layer) for layer in again.layers] == [type(layer) for layer in generator.layers]
    np.testing.assert_array_equal(again(latents), generator(latents))

    plain = keras.models.clone_model(generator, clone_function=of_keras)
    generator.save_weights(tmp_path / "generator.weights.h5")
    plain.load_weights(tmp_path / "generator.weights.h5")
    assert not any(isinstance(layer, (OURS, LeakyReLU)) for layer in plain.layers)
    np.testing.assert_array_equal(plain(latents), generator(latents))


def trains_as_with_keras(players, penalty=None, **options):
    """Ten steps of these players, and of the same with Keras's layers. By gradient descent differences stay small.

    `penalty` is a class: a penalty has random numbers, and either training is to draw the same.
    """
    weights, histories = [], []
    begin = [player.get_weights() for player in players]
    for change in (False, True):
        own = [keras.models.clone_model(player, clone_function=of_keras) if change else player for player in players]
        for player, values in zip(own, begin, strict=True):
            player.set_weights(values)
        gan = GAN(*own, latent_dim=3, seed=1, penalty=penalty and penalty(seed=2), **options)
        gan.compile(generator_optimizer=keras.optimizers.SGD(0.01), discriminator_optimizer=keras.optimizers.SGD(0.01))
        x = np.tanh(numbers((80, 8, 8, 1)) / 3)
        histories.append(gan.fit(x, batch_size=16, epochs=2, shuffle=False, verbose=0).history)
        weights.append([value for player in own for value in player.get_weights()])
    for name in histories[0]:
        np.testing.assert_allclose(histories[0][name], histories[1][name], rtol=1e-4)
    for own, other in zip(*weights, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-3, atol=1e-5)


def test_a_gan_trains_as_with_keras():
    trains_as_with_keras(
        (networks.dcgan_generator((8, 8, 1), 3, (4, 4)), networks.dcgan_discriminator((8, 8, 1), (4, 4)))
    )


def test_the_networks_use_it():
    for network in (networks.dcgan_generator(), networks.dcgan_discriminator()):
        norms = [layer for layer in network.layers if isinstance(layer, KERAS)]
        assert norms and all(type(layer) is OURS for layer in norms)


# --- LeakyReLU -------------------------------------------------------------------------------------------------------


def penalised(layer, x, w, v):
    """A penalty on the slope of a small network, (‖∂/∂x Σ v · f(x w)‖² − 1)², and how it changes with the weights."""
    with tf.GradientTape() as outer:
        outer.watch([w, v])
        with tf.GradientTape() as inner:
            inner.watch(x)
            answer = tf.reduce_sum(layer(x @ w) @ v)
        penalty = tf.reduce_mean((tf.reduce_sum(inner.gradient(answer, x) ** 2, axis=1) - 1) ** 2)
    return penalty, *outer.gradient(penalty, [w, v])


def kinds_that_run(function, *arguments):
    """How many operations of each kind TensorFlow runs: those that something that is asked for depends on."""
    graph = tf.function(function).get_concrete_function(*arguments).graph
    found, left = set(), [tensor.op for tensor in graph.outputs]
    while left:
        operation = left.pop()
        if operation not in found:
            found.add(operation)
            left += [tensor.op for tensor in operation.inputs] + list(operation.control_inputs)
    return collections.Counter(operation.type for operation in found)


@pytest.mark.parametrize("alpha", [0.0, 0.2, 0.3, 1.0])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16"])
def test_leaky_relu_is_the_formula(alpha, dtype):
    x = tf.cast(np.append(numbers((4, 3)).ravel(), [0.0, -0.0]), dtype)
    layer = LeakyReLU(alpha, dtype=dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    slopes, given = (keras.ops.convert_to_numpy(keras.ops.cast(value, "float64")) for value in (tape.gradient(y, x), x))
    assert y.dtype == dtype
    rounding = {"float64": 1e-7, "float32": 1e-6}.get(dtype, 2**-7)
    np.testing.assert_allclose(keras.ops.cast(y, "float64"), np.where(given > 0, given, alpha * given), rtol=rounding)
    np.testing.assert_allclose(slopes, np.where(given > 0, 1.0, alpha), rtol=rounding)


def test_leaky_relu_in_a_penalty_has_the_gradient_of_finite_differences():
    x, w, v = (tf.cast(numbers(shape, seed), "float64") for seed, shape in enumerate([(6, 4), (4, 5), (5, 1)]))
    layer, step = LeakyReLU(0.2, dtype="float64"), 1e-6
    _, in_w, in_v = penalised(layer, x, w, v)
    for slopes, index in ((in_w, 0), (in_v, 1)):
        direction = tf.cast(numbers(slopes.shape, seed=7), "float64")
        ends = []
        for sign in (1, -1):
            weights = [w, v]
            weights[index] = weights[index] + sign * step * direction
            ends.append(float(penalised(layer, x, *weights)[0]))
        assert float(tf.reduce_sum(slopes * direction)) == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_leaky_relu_in_a_penalty_is_as_keras_has_it(jit_compile):
    x, w, v = (tf.constant(numbers(shape, seed)) for seed, shape in enumerate([(6, 4), (4, 5), (5, 1)]))
    results = []
    for kind in (LeakyReLU, keras.layers.LeakyReLU):
        results.append(tf.function(functools.partial(penalised, kind(0.2)), jit_compile=jit_compile)(x, w, v))
    for own, other in zip(*results, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-5)


def test_a_penalty_takes_no_zeros_back_through_the_critic():
    """On its way back the gradient of a slope meets each layer once, for its weights, and no layer of the way there."""
    critic = networks.dcgan_critic((16, 16, 3), filters=(4, 8, 8))
    plain = keras.models.clone_model(critic, clone_function=of_keras)
    images = numbers((4, 16, 16, 3)), numbers((4, 16, 16, 3), 1)

    def slopes(model):
        penalise = penalties.GradientPenalty(seed=0)

        def step(real, fake):
            with tf.GradientTape() as tape:
                penalty = penalise(model, real, fake)
            return tape.gradient(penalty, [layer.kernel for layer in model.layers if hasattr(layer, "kernel")])

        return step

    own, others = (kinds_that_run(slopes(model), *images) for model in (critic, plain))
    assert own["Conv2DBackpropFilter"] == 3 and own["Conv2DBackpropInput"] == 3
    assert others["Conv2DBackpropFilter"] == 6 and others["Conv2DBackpropInput"] == 5, (
        "TensorFlow needs this no longer?"
    )


def test_a_bias_has_no_part_in_a_penalty():
    critic, penalise = networks.dcgan_critic((8, 8, 1), (4, 4)), penalties.GradientPenalty(seed=0)
    with tf.GradientTape() as tape:
        penalty = penalise(critic, numbers((4, 8, 8, 1)), numbers((4, 8, 8, 1), 1))
    for weight, slope in zip(
        critic.trainable_variables, tape.gradient(penalty, critic.trainable_variables), strict=True
    ):
        assert (slope is None) == (weight.name == "bias")


def test_a_wgan_gp_trains_as_with_keras():
    players = networks.dcgan_generator((8, 8, 1), 3, (4, 4)), networks.dcgan_critic((8, 8, 1), (4, 4))
    trains_as_with_keras(players, penalty=penalties.GradientPenalty, objective="wasserstein")


def test_a_critic_is_saved_with_its_own_and_lends_its_weights_to_keras(tmp_path):
    critic, images = networks.dcgan_critic((8, 8, 1), (4, 4)), numbers((3, 8, 8, 1))
    critic.save(tmp_path / "critic.keras")
    again = keras.saving.load_model(tmp_path / "critic.keras", safe_mode=True)
    assert [layer.get_config() for layer in again.layers] == [layer.get_config() for layer in critic.layers]
    assert [type(layer) for layer in again.layers] == [type(layer) for layer in critic.layers]
    np.testing.assert_array_equal(again(images), critic(images))
    plain = keras.models.clone_model(critic, clone_function=of_keras)
    plain.set_weights(critic.get_weights())
    np.testing.assert_array_equal(plain(images), critic(images))


@pytest.mark.parametrize("network", [networks.dcgan_discriminator, networks.dcgan_critic, networks.mlp_discriminator])
def test_the_discriminators_use_it(network):
    activations = [layer for layer in network((16, 16, 3)).layers if isinstance(layer, keras.layers.LeakyReLU)]
    assert activations and all(type(layer) is LeakyReLU and layer.negative_slope == 0.2 for layer in activations)


# --- spectral normalisation -----------------------------------------------------------------------------------------


def matrix_of(layer):
    """A layer's kernel as the matrix that the paper takes: one column for each output."""
    kernel = next(weight for weight in layer.weights if weight.name in ("kernel", "embeddings")).numpy()
    if "Transpose" in type(layer).__name__:
        kernel = np.moveaxis(kernel, -1, -2)
    return kernel.reshape(-1, kernel.shape[-1])


WITH_KERNEL = {
    "Dense": (lambda: keras.layers.Dense(5), numbers((4, 7))),
    "Conv1D": (lambda: keras.layers.Conv1D(5, 3), numbers((2, 6, 3))),
    "Conv2D": (lambda: keras.layers.Conv2D(5, 3, strides=2, padding="same", use_bias=False), numbers((2, 6, 6, 3))),
    "Conv2DTranspose": (lambda: keras.layers.Conv2DTranspose(2, 4, strides=2), numbers((2, 3, 3, 5))),
    "Embedding": (lambda: keras.layers.Embedding(6, 4), np.array([[0, 5], [3, 3]])),
}


@pytest.fixture(params=WITH_KERNEL, ids=str)
def normalised(request):
    """(a SpectralNorm that has converged, its plain twin with the same weights, inputs)"""
    make, x = WITH_KERNEL[request.param]
    keras.utils.set_random_seed(0)
    twin, layer = make(), SpectralNorm(make())
    twin(x), layer(x)
    for weight in twin.weights:
        weight.assign(numbers(weight.shape, seed=len(weight.shape)))
    layer.layer.set_weights(twin.get_weights())
    layer.settle(500)
    return layer, twin, x


def test_it_divides_the_kernel_by_its_largest_singular_value(normalised):
    layer, twin, x = normalised
    sigma = np.linalg.svd(matrix_of(twin), compute_uv=False)[0]
    np.testing.assert_allclose(layer.sigma, sigma, rtol=1e-4)
    before = [weight.numpy() for weight in layer.weights]
    found = layer(x, training=True)
    kernel = next(weight for weight in twin.weights if weight.name in ("kernel", "embeddings"))
    kernel.assign(kernel / sigma)
    np.testing.assert_allclose(found, twin(x), rtol=1e-3, atol=1e-4)
    assert layer.compute_output_shape(x.shape) == found.shape
    for weight, value in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)  # a call moves nothing, W and u included


def test_the_gradient_goes_through_sigma():
    """L = Σ c·(x W/σ): dL/dW = (xᵀc − ⟨xᵀc, W⟩/σ·u vᵀ)/σ, with u and v the first singular vectors."""
    layer, x, c = SpectralNorm(keras.layers.Dense(3, use_bias=False)), numbers((5, 4)), numbers((5, 3), 1)
    layer(x)
    layer.settle(500)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(c * layer(x))
    W = layer.layer.kernel.numpy().astype("float64")
    u, s, v = np.linalg.svd(W, full_matrices=False)
    plain = x.T.astype("float64") @ c
    expected = (plain - (plain * W).sum() / s[0] * np.outer(u[:, 0], v[0])) / s[0]
    np.testing.assert_allclose(tape.gradient(loss, layer.layer.kernel), expected, rtol=1e-3, atol=1e-4)


def test_it_starts_near_the_largest_singular_value():
    for seed in range(5):
        keras.utils.set_random_seed(seed)
        layer = SpectralNorm(keras.layers.Dense(64))
        layer.build((None, 128))
        sigma = np.linalg.svd(layer.layer.kernel.numpy(), compute_uv=False)[0]
        assert 0.97 * sigma < float(layer.sigma) < 1.0001 * sigma  # from below


def test_a_step_of_the_optimizer_moves_u_by_one_round_and_nothing_else_does():
    layer, x = SpectralNorm(keras.layers.Dense(3, use_bias=False)), numbers((5, 4))
    layer(x)
    u, optimizer = layer.u.numpy(), keras.optimizers.SGD(0.1)
    for training in (True, False):
        layer(x, training=training)
    np.testing.assert_array_equal(layer.u.numpy(), u)
    gradient = numbers((4, 3), 1)
    W = layer.layer.kernel.numpy() - 0.1 * gradient
    optimizer.apply([tf.constant(gradient)], layer.trainable_variables)
    v = u @ W / np.linalg.norm(u @ W)
    np.testing.assert_allclose(layer.layer.kernel.numpy(), W, rtol=1e-6)
    np.testing.assert_allclose(layer.u.numpy(), W @ v / np.linalg.norm(W @ v), rtol=1e-4, atol=1e-6)


def test_the_users_own_constraint_stays():
    layer = SpectralNorm(keras.layers.Dense(3, use_bias=False, kernel_constraint=keras.constraints.NonNeg()))
    layer.build((None, 4))
    keras.optimizers.SGD(1.0).apply([tf.ones((4, 3))], layer.trainable_variables)
    assert layer.layer.kernel.numpy().min() == 0.0


@pytest.mark.parametrize("share_fakes", [True, False])
def test_in_a_gan_the_discriminators_turn_alone_moves_u(share_fakes):
    """Three batches: as many rounds as D's optimizer took steps, though D was called in G's turns too."""
    D = spectral_norm(networks.mlp_discriminator((4, 4, 1), (6,)))
    gan = GAN(networks.mlp_generator((4, 4, 1), 2, (3,)), D, 2, objective="hinge", share_fakes=share_fakes)
    still = keras.optimizers.SGD(0.0)  # W rests, so that rounds can be counted
    gan.compile(generator_optimizer="adam", discriminator_optimizer=still, jit_compile=False)
    layer = D.layers[2]
    u, W = layer.u.numpy(), layer.layer.kernel.numpy()
    gan.fit(numbers((12, 4, 4, 1)).clip(-1, 1), batch_size=4, verbose=0)
    for _ in range(3):
        u = W @ (W.T @ u)
        u = u / np.linalg.norm(u)
    np.testing.assert_allclose(layer.u.numpy(), u, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(layer.layer.kernel.numpy(), W)
    moved = layer.u.numpy()
    gan.evaluate(numbers((4, 4, 4, 1)).clip(-1, 1), verbose=0)
    np.testing.assert_array_equal(layer.u.numpy(), moved)


def test_a_spectrally_normalised_copy_starts_with_the_same_weights():
    D = networks.dcgan_critic((8, 8, 1), filters=(3, 4))
    copy = spectral_norm(D)
    kernels = [w.numpy() for w in D.weights if w.name == "kernel"]
    assert len(kernels) == 3
    for kernel, other in zip(kernels, [w for w in copy.weights if w.name == "kernel"], strict=True):
        np.testing.assert_array_equal(kernel, other.numpy())
    normed = [layer for layer in copy.layers if isinstance(layer, SpectralNorm)]
    for layer in normed:
        sigma = np.linalg.svd(matrix_of(layer.layer), compute_uv=False)[0]
        np.testing.assert_allclose(layer.sigma, sigma, rtol=0.03)
    assert not any(isinstance(layer, SpectralNorm) for layer in D.layers)
    again = keras.models.clone_model(copy)
    again.set_weights(copy.get_weights())
    x = numbers((3, 8, 8, 1))
    np.testing.assert_array_equal(again(x), copy(x))


def test_what_has_no_kernel_is_refused():
    with pytest.raises(TypeError, match="layer must be one of Dense, .*Received: layer="):
        SpectralNorm(keras.layers.BatchNormalization())
    flat = keras.Sequential([keras.Input((4,)), keras.layers.LayerNormalization()])
    with pytest.raises(ValueError, match="spectral_norm needs a network with kernels. Received: model="):
        spectral_norm(flat)
    with pytest.raises(ValueError, match="iterations must be an integer of at least 1. Received: iterations=0"):
        SpectralNorm(keras.layers.Dense(3), iterations=0)


# --- layers that look at several samples, or at all places ----------------------------------------------------------


@pytest.mark.parametrize("count, size", [(8, 4), (6, 3), (4, 4), (5, 1), (2, 2)])
def test_minibatch_standard_deviation_is_that_of_numpy(count, size):
    """Of the groups that divide the batch, the largest of at most four: groups of every count // size-th sample."""
    x = numbers((count, 3, 2, 5))
    found = MinibatchStdDev(4)(x).numpy()
    np.testing.assert_array_equal(found[..., :5], x)
    groups = x.reshape(size, count // size, 3, 2, 5)
    deviation = np.sqrt(groups.var(0) + 1e-8).mean(axis=(1, 2, 3))
    for sample in range(count):
        np.testing.assert_allclose(found[sample, ..., 5], deviation[sample % (count // size)], rtol=1e-5)
    assert MinibatchStdDev(4).compute_output_shape((None, 3, 2, 5)) == (None, 3, 2, 6)
    flat = MinibatchStdDev(4)(x[:, 0, 0])  # points and features too
    assert flat.shape == (count, 6)


def test_minibatch_standard_deviation_of_one_image_is_near_zero_and_has_slopes():
    x = tf.Variable(np.tile(numbers((1, 2, 2, 3)), (4, 1, 1, 1)))
    with tf.GradientTape() as tape:
        channel = MinibatchStdDev()(x)[..., 3]
    np.testing.assert_allclose(channel, 1e-4, atol=1e-3)
    assert np.isfinite(tape.gradient(channel, x)).all()


def test_packs_are_samples_beside_those_that_follow():
    x = numbers((5, 2, 2, 3))
    found = Pack(3)(x).numpy()
    for sample in range(5):
        expected = np.concatenate([x[(sample + place) % 5] for place in range(3)], axis=-1)
        np.testing.assert_array_equal(found[sample], expected)
    np.testing.assert_array_equal(Pack(1)(x), x)
    assert Pack(3).compute_output_shape((None, 7)) == (None, 21)


@pytest.mark.parametrize("normed", [False, True])
def test_self_attention_is_the_formula_and_nothing_at_first(normed):
    x, layer = numbers((2, 3, 2, 16)) / 5, SelfAttention(spectral_norm=normed)
    np.testing.assert_array_equal(layer(x), x)
    layer.gamma.assign(0.7)
    flat = x.reshape(2, 6, 16)
    f, g, h, v = (
        (part.layer.kernel / part.sigma if normed else part.kernel) for part in (layer.f, layer.g, layer.h, layer.v)
    )
    f, g, h, v = (np.asarray(kernel)[0, 0] for kernel in (f, g, h, v))
    assert f.shape == (16, 2) and v.shape == (2, 16)
    scores = np.exp(flat @ f @ (flat @ g).transpose(0, 2, 1))
    attention = scores / scores.sum(axis=2, keepdims=True)
    expected = flat + 0.7 * attention @ (flat @ h) @ v
    np.testing.assert_allclose(layer(x), expected.reshape(x.shape), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize(
    "make",
    [lambda: SpectralNorm(keras.layers.Conv2D(8, 3, padding="same")), MinibatchStdDev, Pack, SelfAttention],
    ids=["SpectralNorm", "MinibatchStdDev", "Pack", "SelfAttention"],
)
def test_new_layers_in_mixed_precision(make, policy):
    x = numbers((4, 3, 3, 8)) / 5
    keras.utils.set_random_seed(0)
    expected = make()(x).numpy()
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(0)
    layer = make()
    found = layer(x)
    assert found.dtype == layer.compute_dtype != "float32"
    assert {weight.dtype for weight in layer.weights} <= {"float32"}
    np.testing.assert_allclose(keras.ops.cast(found, "float32"), expected, rtol=0.05, atol=0.05)


@pytest.mark.parametrize(
    "layer, config",
    [
        (MinibatchStdDev(8), {"group_size": 8}),
        (Pack(3), {"size": 3}),
        (SelfAttention(spectral_norm=True), {"spectral_norm": True}),
        (SpectralNorm(keras.layers.Dense(3), iterations=2), {"iterations": 2}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_new_layers_survive_serialisation(layer, config):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer) and again.get_config() == layer.get_config()
    assert config.items() <= again.get_config().items()


@pytest.mark.parametrize("kind, name, value", [(MinibatchStdDev, "group_size", 1), (Pack, "size", 0)])
def test_new_layers_refuse_in_words(kind, name, value):
    with pytest.raises(ValueError, match=f"{name} must be an integer of at least .*Received: {name}={value}"):
        kind(value)
