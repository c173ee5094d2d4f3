"""The right answers of the exercises, from the package, from Keras, or by running what they are about."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from scipy import spatial, special, stats

import gan_lessons as gl
from gan_lessons import metrics
from gan_lessons.checks import (
    collapse,
    dcgan,
    dynamics,
    faster,
    minimax_game,
    mlp_gan,
    quality,
    start_here,
    watch,
    wgan,
)
from gan_lessons.theory import DiracGAN

# --- 00, 01, 02 -----------------------------------------------------------------------------------


def test_latents_by_keras_and_by_drawing_arrows():
    assert start_here.with_length(lambda z, r: keras.ops.normalize(z, axis=1) * r)
    start, end = np.array([10.0, 0.0]), np.array([0.0, 10.0])
    assert start_here.halfway_length(np.hypot(*(start + end) / 2))


def test_arrows_are_gradients_of_the_two_losses():
    def slopes(logit):
        t = tf.Variable(logit)
        with tf.GradientTape(persistent=True) as tape:
            minimax, non_saturating = -tf.math.softplus(t), tf.math.softplus(-t)
        return -tape.gradient(minimax, t).numpy(), -tape.gradient(non_saturating, t).numpy()

    assert watch.arrow_length(slopes(0.0)[1] * np.hypot(0, 2))
    minimax, non_saturating = slopes(special.logit(0.01))
    assert watch.ratio_of_arrows(non_saturating / minimax)


def test_v_and_the_best_discriminator_by_search():
    def value(d, p, q):
        return p * np.log(d) + q * np.log(1 - d)

    assert minimax_game.value_at_equilibrium(value(0.5, 1.0, 1.0))
    heights = np.linspace(1e-4, 1 - 1e-4, 9999)
    assert minimax_game.best_discriminator(np.vectorize(lambda p, q: heights[value(heights, p, q).argmax()]))


def test_the_two_distances_of_boxes():
    points = np.random.default_rng(0).uniform(size=2000)
    halves = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    divergence = sum(0.5 * special.rel_entr(p, np.mean(halves, axis=0)).sum() for p in halves)
    assert minimax_game.far_apart(divergence, stats.wasserstein_distance(points, points + 5))


def test_the_generators_loss_is_a_cross_entropy():
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    assert minimax_game.generator_loss(lambda logits: entropy(tf.ones_like(logits), logits))


def test_the_dirac_gan_by_the_package_and_by_playing():
    assert dynamics.minimax_field(DiracGAN("minimax").field)
    assert dynamics.after_200_steps(np.hypot(*DiracGAN("wasserstein").descend((1.0, 0.0), 200)[-1]))
    assert dynamics.alternating_step(lambda *now: tuple(DiracGAN("wasserstein").descend(now[:2], 1, now[2], True)[1]))
    weights = np.linspace(0.5, 1.5, 101)
    slowest = [DiracGAN("wasserstein", penalty_weight=w).eigenvalues().real.max() for w in weights]
    assert dynamics.best_weight(weights[np.argmin(slowest)])
    games = {
        "minimax": DiracGAN("minimax"),
        "non_saturating": DiracGAN("non_saturating"),
        "wasserstein": DiracGAN("wasserstein"),
        "clipped": DiracGAN("wasserstein", clip=0.5),
        "slope_1": DiracGAN("wasserstein", penalty_weight=0.5, penalty_target=1.0),
        "slope_0": DiracGAN("non_saturating", penalty_weight=0.3),
    }
    ends = {name: game.descend((1.0, 1.0), steps=5000)[-1] for name, game in games.items()}
    assert dynamics.which_settle({name: np.hypot(*end) < 0.01 for name, end in ends.items()})


def test_the_losses_are_the_objectives():
    game, undecided = gl.objectives.NonSaturating(), np.zeros((4, 1))
    assert mlp_gan.answers_half(game.discriminator_loss(undecided, undecided), game.generator_loss(undecided))
    assert wgan.critic_loss(gl.objectives.Wasserstein().discriminator_loss)


def test_a_step_of_the_objective_distances_of_scipy_and_a_point_of_the_arc():
    def step(generator, discriminator, optimizer, latents):
        with tf.GradientTape() as tape:
            logits = discriminator(generator(latents, training=True), training=True)
            loss = gl.objectives.NonSaturating().generator_loss(logits)
        weights = generator.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return float(loss)

    assert mlp_gan.generator_turn(step)
    assert mlp_gan.distances(lambda a, b: spatial.distance.cdist(a.reshape(len(a), -1), b.reshape(len(b), -1)))
    assert mlp_gan.half_way(gl.plotting.latent_path([1.0, 0.0], [0.0, 1.0], steps=3)[1, 0])


# --- 03, 04 ---------------------------------------------------------------------------------------


def test_transposed_weights_and_overlap_are_those_of_keras():
    def on_a_line(x, kernel, stride):
        layer = layers.Conv1DTranspose(1, len(kernel), stride, padding="valid", use_bias=False)
        layer.build((None, len(x), 1))
        layer.kernel.assign(kernel[:, None, None])
        return np.asarray(layer(x[None, :, None]))[0, :, 0]

    assert dcgan.transposed(on_a_line)

    layer = layers.Conv2DTranspose(64, 4, use_bias=False)
    layer.build((None, 4, 4, 128))
    assert dcgan.layer_weights(layer.count_params())

    even = []
    for k, s in dcgan.even_overlap.kind.parts:
        layer = layers.Conv2DTranspose(1, k, s, use_bias=False, kernel_initializer="ones")
        inside = np.asarray(layer(np.ones((1, 12, 12, 1), "float32")))[0, 2 * k : -2 * k, 2 * k : -2 * k]
        even += [(k, s)] if np.ptp(inside) == 0 else []
    assert dcgan.even_overlap(even)


def test_an_average_forgets_half_by_averaging():
    share, steps = 1.0, 0
    while share > 0.5:
        share, steps = 0.999 * share + 0.001 * 0.0, steps + 1
    assert dcgan.half_life(steps)


def test_a_convolutional_d_takes_both_sizes():
    convolutions = [layers.Conv2D(4, 4, 2, "same") for _ in range(3)]
    d = keras.Sequential([keras.Input((None, None, 3)), *convolutions, layers.Conv2D(1, 4)])
    assert dcgan.two_sizes(*(d(np.zeros((1, size, size, 3), "float32")).numpy().size for size in (64, 32)))


def test_the_penalty_is_the_packages_and_the_slope_the_best():
    assert wgan.gradient_penalty(lambda critic, real, fake: gl.penalties.GradientPenalty(10.0)(critic, real, fake))
    slopes = np.linspace(0, 3, 3001)
    assert wgan.best_slope(slopes[(-2 * slopes + 10 * (slopes - 1) ** 2).argmin()])


def test_the_steepest_slope_by_climbing_and_the_clocks_correlation():
    x = np.random.default_rng(0).normal(size=784)
    uphill = np.ones(784) / np.linalg.norm(np.ones(784))
    assert wgan.steepest_slope(((x + 1e-3 * uphill).sum() - x.sum()) / 1e-3)
    assert wgan.clock(stats.spearmanr(range(16, 0, -1), np.exp(-np.arange(16) / 3)).statistic)


# --- 05 -------------------------------------------------------------------------------------------


def test_the_classifier_scores_are_the_metrics():
    certain = np.eye(10)
    sets = {
        "a": np.full((1000, 10), 0.1),
        "b": certain[np.arange(1000) % 10],
        "c": certain[[3] * 500 + [5] * 250 + [8] * 250],
    }
    found = {}
    for key, probabilities in sets.items():
        metric = metrics.InceptionScore(splits=1)
        metric.update_state(probabilities)
        found[key] = metric.result()
    assert quality.classifier_scores(found)


def test_the_distance_is_the_packages():
    def by_the_package(real, made):
        metric = metrics.FrechetDistance()
        metric.update_real(real)
        metric.update_state(made)
        return metric.result()

    assert quality.frechet_distance(by_the_package)


def test_the_bias_by_solving_for_it():
    a, b = np.linalg.solve([[1, 1 / 1000], [1, 1 / 5000]], [14, 10])
    assert quality.without_bias({"infinitely many": a, "ten thousand": a + b / 10_000})


def test_the_three_numbers_on_a_line_are_the_metrics():
    metric = metrics.PrecisionRecall(neighbours=1, density_neighbours=1)
    metric.update_real(np.array([[0.0], [1.0], [2.0], [6.0]]))
    metric.update_state(np.array([[1.5], [9.0], [9.5]]))
    found = metric.result()
    assert quality.on_a_line({name: found[name] for name in ("precision", "recall", "coverage")})


# --- 07 -------------------------------------------------------------------------------------------


def test_the_products_are_those_of_a_step():
    """Counted in the graph of a step, of what its results need: every layer has 64·64 products for each sample."""
    dense = [[keras.Input((64,)), *(layers.Dense(64) for _ in range(10))] for _ in range(2)]
    gan = gl.GAN(keras.Sequential(dense[0]), keras.Sequential([*dense[1], layers.Dense(1)]), latent_dim=64)
    gan.compile(generator_optimizer=keras.optimizers.SGD(), discriminator_optimizer=keras.optimizers.SGD())
    graph = tf.function(gan.train_step).get_concrete_function(tf.TensorSpec((32, 64))).graph
    needed, todo = set(), [*(tensor.op for tensor in graph.outputs), *graph.control_outputs]
    while todo:
        if (operation := todo.pop()) not in needed:
            needed.add(operation)
            todo += [*(tensor.op for tensor in operation.inputs), *operation.control_inputs]
    count = sum(
        one.outputs[0].shape.num_elements() * one.inputs[0].shape[0 if one.get_attr("transpose_a") else 1]
        for one in needed
        if one.type == "MatMul"
    )
    g, d = (part.right for part in faster.products.kind.parts.values())
    first_layers = 3  # D's in both batches of its turn and G's: no gradient for the input
    assert abs(count / (32 * 64 * 64) - (10 * g + 10 * d - first_layers)) < 0.5


def test_a_ratio_outlasts_a_slow_minute_and_an_odd_round():
    plain = np.random.default_rng(0).uniform(50, 51, 9) * np.repeat([1, 2], [5, 4])
    odd = np.where(np.arange(9) == 2, 10, 1)
    assert abs(faster.ratio.kind.reference(plain, 1.25 * plain * odd) - 1.25) < 1e-9
    assert faster.ratio(lambda plain, other: np.sort(other / plain)[len(plain) // 2])


def test_the_steps_by_timing_them_on_paper():
    calls = 1000
    ten = (calls / 10 * 0.5 + calls * 1.5) / calls
    assert faster.steps_per_call({"ms a step, 10 a call": ten, "most that can be saved, %": 100 * (1 - 1.5 / 2)})
    now, work, pipeline = 120, 75, 120
    found = {"a": now - work, "b": now / max(0, work), "c": now / max(pipeline, 5)}
    assert faster.waiting(found)


def test_the_weight_in_two_formats():
    found = {}
    for name in ("bfloat16", "float32"):
        weight = tf.constant(1.0, name)
        for _ in range(1000):
            weight = weight + tf.constant(0.001, name)
        found[name] = float(weight)
    assert faster.rounding(found)


# --- collapse -------------------------------------------------------------------------------------


def test_what_collapse_pays_by_the_objective():
    loss = gl.objectives.NonSaturating().generator_loss
    spread, together = np.array([[2.0]] + 7 * [[0.0]], "float32"), np.full((8, 1), 2.0, "float32")
    assert collapse.what_it_pays(float(loss(spread)) - float(loss(together)))


def test_the_reverse_kl_is_the_toys_and_scipys():
    assert collapse.reverse_kl(gl.stacked.reverse_kl)
    assert collapse.reverse_kl(lambda counts: stats.entropy(counts, np.ones(len(counts))))


def test_a_count_fooled_by_noise():
    noise = np.random.default_rng(0).normal(scale=30, size=(2500, 2))
    assert collapse.fool_the_count(lambda toy: np.concatenate([toy.modes, noise])[:2500])


def test_the_logit_of_a_pair_by_counting_pairs():
    first, second = np.random.default_rng(0).integers(8, size=(2, 2_000_000))
    assert collapse.pair(np.log(np.mean((first == 0) & (second == 0))))
