"""The networks: shapes, exact parameter counts, starting weights, and what they refuse."""

import inspect
import itertools
import math

import keras
import numpy as np
import pytest
from keras import layers

from gan_lessons import networks


def dense(inputs, outputs, bias=True):
    return inputs * outputs + outputs * bias


def convolution(inputs, outputs, bias=True):
    return 4 * 4 * inputs * outputs + outputs * bias


def batch_norm(channels):
    return 4 * channels  # γ, β, and two moving statistics


def count_mlp(sizes):
    return sum(dense(a, b) for a, b in itertools.pairwise(sizes))


def count_dcgan_generator(image_shape, latent_dim, filters, normalised):
    height, width, channels = image_shape
    scale = 2 ** len(filters)
    start = height // scale * (width // scale) * filters[0]
    total = dense(latent_dim, start, bias=not normalised) + convolution(filters[-1], channels)
    total += sum(convolution(a, b, bias=not normalised) for a, b in itertools.pairwise(filters))
    return total + normalised * sum(map(batch_norm, filters))


def count_dcgan_discriminator(image_shape, filters, normalised):
    height, width, channels = image_shape
    scale = 2 ** len(filters)
    total = convolution(channels, filters[0])
    total += sum(convolution(a, b, bias=not normalised) for a, b in itertools.pairwise(filters))
    total += dense(height // scale * (width // scale) * filters[-1], 1)
    return total + normalised * sum(map(batch_norm, filters[1:]))


def conv(size, inputs, outputs, bias=True):
    return size * size * inputs * outputs + outputs * bias


def count_resnet_generator(image_shape, latent_dim, filters):
    height, width, channels = image_shape
    scale, total, before = 2 ** len(filters), 0, filters[0]
    total += dense(latent_dim, height // scale * (width // scale) * filters[0])
    for count in filters:
        total += batch_norm(before) + conv(3, before, count) + batch_norm(count) + conv(3, count, count)
        total += conv(1, before, count)
        before = count
    return total + batch_norm(before) + conv(3, before, channels)


def count_resnet_discriminator(image_shape, filters, halvings, normalised):
    """Each spectral norm keeps a vector u besides, as long as its kernel's matrix has rows."""
    total, before = 0, image_shape[2]
    for index, count in enumerate(filters):
        total += conv(3, before, count) + conv(3, count, count) + normalised * 9 * (before + count)
        if index < halvings or before != count:
            total += conv(1, before, count) + normalised * before
        before = count
    return total + dense(before, 1) + normalised * before


def count_blocks_of_r3gan(filters):
    total = sum(conv(1, c, c) + conv(3, c, c) + conv(1, c, c, bias=False) for c in filters)
    return total + sum(conv(1, a, b, bias=False) for a, b in itertools.pairwise(filters) if a != b)


def count_r3gan_generator(image_shape, latent_dim, filters):
    height, width, channels = image_shape
    scale = 2 ** (len(filters) - 1)
    start = dense(latent_dim, height // scale * (width // scale) * filters[0])
    return start + count_blocks_of_r3gan(filters) + conv(1, filters[-1], channels)


def count_r3gan_discriminator(image_shape, filters):
    height, width, channels = image_shape
    places = height * width // 4 ** (len(filters) - 1)
    total = conv(1, channels, filters[0]) + count_blocks_of_r3gan(filters)
    return total + places * filters[-1] + filters[-1] + dense(filters[-1], 1)


keras.utils.set_random_seed(0)  # the networks below are made while tests are collected, before any test's seed
RESNET_G, RESNET_D, R3GAN_G = (64, 32, 16), (16, 32, 64, 64), (64, 48, 32, 16)
GENERATORS = [
    (networks.mlp_generator((28, 28, 1)), (28, 28, 1), 100, count_mlp([100, 256, 512, 1024, 784])),
    (networks.mlp_generator((3, 5, 2), 7, (4,)), (3, 5, 2), 7, count_mlp([7, 4, 30])),
    (networks.mlp_generator((2,), 2, [8, 8]), (2,), 2, count_mlp([2, 8, 8, 2])),
    (networks.dcgan_generator(), (32, 32, 3), 100, count_dcgan_generator((32, 32, 3), 100, (512, 256, 128), True)),
    (
        networks.dcgan_generator((64, 64, 3), 9, (16, 8, 4, 2)),
        (64, 64, 3),
        9,
        count_dcgan_generator((64, 64, 3), 9, (16, 8, 4, 2), True),
    ),
    (
        networks.dcgan_generator((8, 12, 1), 5, (6, 3), batch_norm=False),
        (8, 12, 1),
        5,
        count_dcgan_generator((8, 12, 1), 5, (6, 3), False),
    ),
    (
        networks.dcgan_generator((28, 28, 1), 5, (6, 3)),
        (28, 28, 1),
        5,
        count_dcgan_generator((28, 28, 1), 5, (6, 3), True),
    ),
    (networks.resnet_generator(), (32, 32, 3), 128, count_resnet_generator((32, 32, 3), 128, RESNET_G)),
    (
        networks.resnet_generator((8, 12, 1), 5, (6, 3)),
        (8, 12, 1),
        5,
        count_resnet_generator((8, 12, 1), 5, (6, 3)),
    ),
    (networks.r3gan_generator(), (32, 32, 3), 64, count_r3gan_generator((32, 32, 3), 64, R3GAN_G)),
    (
        networks.r3gan_generator((8, 12, 1), 5, (6, 6, 3)),
        (8, 12, 1),
        5,
        count_r3gan_generator((8, 12, 1), 5, (6, 6, 3)),
    ),
]

DISCRIMINATORS = [
    (networks.mlp_discriminator((28, 28, 1)), (28, 28, 1), count_mlp([784, 512, 256, 1])),
    (
        networks.mlp_discriminator((28, 28, 1), (1024, 512, 256), dropout=0.3),
        (28, 28, 1),
        count_mlp([784, 1024, 512, 256, 1]),
    ),
    (networks.mlp_discriminator((2,), (4,)), (2,), count_mlp([2, 4, 1])),
    (networks.dcgan_discriminator(), (32, 32, 3), count_dcgan_discriminator((32, 32, 3), (128, 256, 512), True)),
    (
        networks.dcgan_discriminator((64, 64, 3), (2, 4, 8, 16)),
        (64, 64, 3),
        count_dcgan_discriminator((64, 64, 3), (2, 4, 8, 16), True),
    ),
    (networks.dcgan_critic(), (32, 32, 3), count_dcgan_discriminator((32, 32, 3), (128, 256, 512), False)),
    (networks.dcgan_critic((8, 12, 1), (3, 6)), (8, 12, 1), count_dcgan_discriminator((8, 12, 1), (3, 6), False)),
    (networks.resnet_discriminator(), (32, 32, 3), count_resnet_discriminator((32, 32, 3), RESNET_D, 2, True)),
    (
        networks.resnet_discriminator((8, 12, 1), (4, 6, 6), halvings=1, spectral_norm=False),
        (8, 12, 1),
        count_resnet_discriminator((8, 12, 1), (4, 6, 6), 1, False),
    ),
    (networks.r3gan_discriminator(), (32, 32, 3), count_r3gan_discriminator((32, 32, 3), R3GAN_G[::-1])),
    (networks.r3gan_discriminator((8, 12, 1), (3, 6, 6)), (8, 12, 1), count_r3gan_discriminator((8, 12, 1), (3, 6, 6))),
]


def name(value):
    return f"{value.name} {value.output_shape[1:]}" if isinstance(value, keras.Model) else ""


def test_every_function_of_the_module_is_tried_here():
    public = {name for name, value in vars(networks).items() if inspect.isfunction(value)}
    assert public == set(networks.__all__) == {model.name for model, *_ in GENERATORS + DISCRIMINATORS}


@pytest.mark.parametrize("model, image_shape, latent_dim, count", GENERATORS, ids=name)
def test_generators(model, image_shape, latent_dim, count):
    assert model.input_shape == (None, latent_dim) and model.output_shape == (None, *image_shape)
    assert type(model).__name__ == "Functional" and model.built
    assert model.count_params() == count
    made = model(10 * np.random.default_rng(0).normal(size=(4, latent_dim)).astype("float32")).numpy()
    assert made.shape == (4, *image_shape) and made.min() < 0 < made.max()
    assert (np.abs(made).max() <= 1) is not model.name.startswith("r3gan")  # which has no tanh


@pytest.mark.parametrize("model, image_shape, count", DISCRIMINATORS, ids=name)
def test_discriminators(model, image_shape, count):
    assert model.input_shape == (None, *image_shape) and model.output_shape == (None, 1)
    assert type(model).__name__ == "Functional" and model.built
    assert model.count_params() == count
    last = getattr(model.layers[-1], "layer", model.layers[-1])
    assert isinstance(last, layers.Dense) and last.activation is keras.activations.linear, "logits"


def kinds(model):
    return [type(layer).__name__ for layer in model.layers[1:]]


def test_the_mlps_are_built_as_the_table_says():
    generator, discriminator = networks.mlp_generator((28, 28, 1)), networks.mlp_discriminator((28, 28, 1))
    assert kinds(generator) == ["Dense", "LeakyReLU"] * 3 + ["Dense", "Reshape"]
    assert generator.layers[-2].activation is keras.activations.tanh
    assert kinds(discriminator) == ["Flatten"] + ["Dense", "LeakyReLU"] * 2 + ["Dense"]
    second = networks.mlp_discriminator((28, 28, 1), (1024, 512, 256), dropout=0.3)
    assert kinds(second) == ["Flatten"] + ["Dense", "LeakyReLU", "Dropout"] * 3 + ["Dense"]
    assert {layer.rate for layer in second.layers if isinstance(layer, layers.Dropout)} == {0.3}


def test_the_dcgans_are_built_as_the_paper_says():
    generator, discriminator = networks.dcgan_generator(), networks.dcgan_discriminator()
    up = ["BatchNormalization", "ReLU", "Conv2DTranspose"]
    assert kinds(generator) == ["Dense", "Reshape"] + up * 3
    assert generator.layers[-1].activation is keras.activations.tanh
    down = ["Conv2D", "BatchNormalization", "LeakyReLU"]
    assert kinds(discriminator) == ["Conv2D", "LeakyReLU"] + down * 2 + ["Flatten", "Dense"], (
        "no BatchNorm after the first"
    )
    assert kinds(networks.dcgan_critic()) == ["Conv2D", "LeakyReLU"] * 3 + ["Flatten", "Dense"], "no BatchNorm at all"
    assert "BatchNormalization" not in kinds(networks.dcgan_generator((8, 8, 1), 5, (4, 2), batch_norm=False))
    for layer in generator.layers + discriminator.layers:
        if isinstance(layer, (layers.Conv2D, layers.Conv2DTranspose)):
            assert layer.kernel_size == (4, 4) and layer.strides == (2, 2) and layer.padding == "same"
    assert [
        shape[1:] for shape in (layer.output.shape for layer in generator.layers if "Conv" in type(layer).__name__)
    ] == [(8, 8, 256), (16, 16, 128), (32, 32, 3)]


def test_residual_blocks_are_those_of_sngan():
    """Both networks' outputs from their layers, put together by hand."""
    D = networks.resnet_discriminator((4, 4, 1), (2, 2), halvings=1, spectral_norm=False)
    assert "SpectralNorm" in kinds(networks.resnet_discriminator((4, 4, 1), (2, 2)))
    (short,), (first, second, third, fourth), (last,) = by_size(D, 1), by_size(D, 3), of_kind(D, "Dense")
    halved = layers.AveragePooling2D(2)
    relu = keras.ops.relu
    x = np.random.default_rng(0).normal(size=(3, 4, 4, 1)).astype("float32")
    y = halved(second(relu(first(x)))) + short(halved(x))
    y = y + fourth(relu(third(relu(y))))
    np.testing.assert_allclose(D(x), last(keras.ops.sum(relu(y), axis=(1, 2))), rtol=1e-4, atol=1e-6)

    G = networks.resnet_generator((4, 4, 1), 3, (2,), batch_norm=False)
    (short,), (first, second, last) = by_size(G, 1), by_size(G, 3)
    z, twice = np.random.default_rng(1).normal(size=(3, 3)).astype("float32"), layers.UpSampling2D()
    x = keras.ops.reshape(of_kind(G, "Dense")[0](z), (3, 2, 2, 2))
    y = second(relu(first(twice(relu(x))))) + short(twice(x))
    np.testing.assert_allclose(G(z), last(relu(y)), rtol=1e-4, atol=1e-6)


def of_kind(model, name):
    return [layer for layer in model.layers if type(layer).__name__ == name]


def by_size(model, size):
    return [layer for layer in of_kind(model, "Conv2D") if layer.kernel_size == (size, size)]


def test_r3gan_has_no_normalisation_no_tanh_and_begins_with_blocks_that_pass_on():
    G, D = networks.r3gan_generator((8, 8, 1), 3, (4, 2)), networks.r3gan_discriminator((8, 8, 1), (2, 4))
    assert not {kind for kind in kinds(G) + kinds(D) if "Norm" in kind}
    assert G.layers[-1].activation is keras.activations.linear
    assert {layer.interpolation for layer in of_kind(G, "UpSampling2D")} == {"bilinear"}
    start, narrow, pixels = of_kind(G, "Dense")[0], *[of_kind(G, "Conv2D")[index] for index in (3, -1)]
    z = np.random.default_rng(0).normal(size=(3, 3)).astype("float32")
    x = narrow(keras.ops.reshape(start(z), (3, 4, 4, 4)))
    x = layers.UpSampling2D(interpolation="bilinear")(x)
    np.testing.assert_allclose(G(z), pixels(x), rtol=1e-4, atol=1e-5)
    for model in (G, D):
        for block in of_kind(model, "Conv2D"):
            zeros = not block.kernel.numpy().any()
            assert zeros == (
                block.kernel_size == (1, 1) and block.filters == block.kernel.shape[2] and not block.use_bias
            )


def test_the_weights_of_a_block_without_normalisation_start_smaller_the_more_blocks_there_are():
    """Fixup: √(2 / (1 + 0.2²) / fan-in), times the number of blocks to the power −¼."""
    for blocks in (2, 4):
        D = networks.r3gan_discriminator((16, 16, 1), (32,) * blocks)
        kernel = next(layer.kernel.numpy() for layer in D.layers if getattr(layer, "kernel_size", 0) == (3, 3))
        np.testing.assert_allclose(kernel.std(), (2 / 1.04 / (9 * 32)) ** 0.5 * blocks**-0.25, rtol=0.05)


def test_leaky_relu_leaks_a_fifth():
    for model in (networks.mlp_generator((4, 4, 1), 3, (2,)), *(m for m, *_ in DISCRIMINATORS)):
        slopes = {layer.negative_slope for layer in model.layers if isinstance(layer, layers.LeakyReLU)}
        assert slopes == ({0.2} if not model.name.startswith("resnet") else set())


@pytest.mark.parametrize("seed", range(2))
def test_dcgan_weights_start_from_the_papers_normal(seed):
    keras.utils.set_random_seed(seed)
    for model in (networks.dcgan_generator(), networks.dcgan_discriminator(), networks.dcgan_critic()):
        for weight in model.trainable_weights:
            kind, value = weight.path.split("/")[-1], weight.numpy().ravel()
            n = len(value)
            if kind == "kernel":
                assert abs(value.mean()) < 5 * 0.02 / math.sqrt(n), weight.path
                assert abs(value.std() - 0.02) < 5 * 0.02 / math.sqrt(2 * n), weight.path
                if n > 10_000:  # a normal, not a uniform nor a truncated normal of that spread
                    assert abs((np.abs(value) < 0.02).mean() - 0.6827) < 0.02 and np.abs(value).max() > 0.06
            elif kind == "gamma":
                assert abs(value.mean() - 1) < 5 * 0.02 / math.sqrt(n) and 0.01 < value.std() < 0.03
            else:
                assert kind in ("bias", "beta") and not value.any()


def test_layers_of_one_shape_start_differently():
    models = [
        networks.dcgan_generator((16, 16, 2), 3, (2, 2, 2)),
        networks.dcgan_discriminator((16, 16, 2), (2, 2, 2)),
        networks.dcgan_critic((16, 16, 2), (2, 2, 2)),
        networks.mlp_generator((2, 2, 1), 4, (4, 4, 4)),
        networks.mlp_discriminator((2, 2, 1), (4, 4, 4)),
    ]
    for model in models:
        kernels = [w.numpy() for w in model.trainable_weights if w.path.endswith(("kernel", "gamma"))]
        alike = [(a, b) for i, a in enumerate(kernels) for b in kernels[:i] if a.shape == b.shape]
        assert alike and not any(np.array_equal(a, b) for a, b in alike), model.name


def test_a_seed_gives_the_same_network():
    def start():
        keras.utils.set_random_seed(4)
        return networks.dcgan_generator((8, 8, 1), 3, (4, 2)).get_weights()

    for a, b in zip(start(), start(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_names_can_be_given():
    assert networks.mlp_generator((2, 2, 1), name="G").name == "G" and networks.dcgan_critic(name="C").name == "C"


WRONG = [
    (networks.mlp_generator, {"image_shape": (28, 0, 1)}, ValueError, "image_shape"),
    (networks.mlp_generator, {"image_shape": "28"}, TypeError, "image_shape"),
    (networks.mlp_generator, {"image_shape": ()}, ValueError, "image_shape"),
    (networks.mlp_generator, {"image_shape": (28, None, 1)}, TypeError, "image_shape"),
    (networks.mlp_generator, {"image_shape": (4, 4, 1), "latent_dim": 0}, ValueError, "latent_dim"),
    (networks.mlp_generator, {"image_shape": (4, 4, 1), "latent_dim": 2.5}, TypeError, "latent_dim"),
    (networks.mlp_generator, {"image_shape": (4, 4, 1), "units": (4, -1)}, ValueError, "units"),
    (networks.mlp_generator, {"image_shape": (4, 4, 1), "units": (4, True)}, TypeError, "units"),
    (networks.mlp_discriminator, {"image_shape": (4, 4, 1), "units": ()}, ValueError, "units"),
    (networks.mlp_discriminator, {"image_shape": (4, 4, 1), "dropout": 1.0}, ValueError, "dropout"),
    (networks.mlp_discriminator, {"image_shape": (4, 4, 1), "dropout": -0.1}, ValueError, "dropout"),
    (networks.mlp_discriminator, {"image_shape": (4, 4, 1), "dropout": None}, ValueError, "dropout"),
    (networks.mlp_discriminator, {"image_shape": (4, 4, 1), "dropout": "0.3"}, ValueError, "dropout"),
    (networks.dcgan_generator, {"image_shape": (28, 28, 1)}, ValueError, "divisible by 8|image_shape"),
    (networks.dcgan_generator, {"image_shape": (32, 32)}, ValueError, "\\(height, width, channels\\)|image_shape"),
    (networks.dcgan_generator, {"filters": (4, 0)}, ValueError, "filters"),
    (networks.dcgan_generator, {"latent_dim": "100"}, TypeError, "latent_dim"),
    (networks.dcgan_discriminator, {"image_shape": (32, 36, 3)}, ValueError, "divisible by 8|image_shape"),
    (networks.dcgan_discriminator, {"filters": ()}, ValueError, "filters"),
    (networks.dcgan_critic, {"image_shape": (33, 32, 3)}, ValueError, "divisible by 8|image_shape"),
    (networks.resnet_generator, {"image_shape": (28, 28, 1)}, ValueError, "divisible by 8|image_shape"),
    (networks.resnet_discriminator, {"image_shape": (30, 32, 3)}, ValueError, "divisible by 4|image_shape"),
    (networks.resnet_discriminator, {"halvings": 5}, ValueError, "at least 0 and at most 4|halvings"),
    (networks.r3gan_generator, {"image_shape": (28, 28, 1)}, ValueError, "divisible by 8|image_shape"),
    (networks.r3gan_discriminator, {"filters": (4, 0)}, ValueError, "filters"),
]


@pytest.mark.parametrize(
    "function, arguments, error, words", WRONG, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_wrong_sizes_are_refused(function, arguments, error, words):
    rule, _, argument = words.rpartition("|")
    with pytest.raises(error, match=rf"(?s){rule}.*Received: .*{argument}(\[\d\])?="):
        function(**arguments)


def test_numpys_integers_are_integers():
    size = np.int64(4)
    assert networks.mlp_generator((size, size, 1), np.int32(3), (size,)).output_shape == (None, 4, 4, 1)
