"""What a mended GAN of the clinic has to do: a rule for each method, and a moment's training.

A rule takes the GAN and its data. It looks at one method alone, where the right result is known, and raises `Hint`.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from gan_lessons import validation
from gan_lessons.checks.functions import Function, on
from gan_lessons.checks.kinds import Hint

STEPS = 200  # what a mended GAN is trained for


def refuse(wrong: bool, hint: str) -> None:
    """Raises a hint if something is wrong."""
    if wrong:
        raise Hint(hint)


def moved(gan: keras.Model, turn: Callable) -> list[float]:
    """By how much a call moves the weights of G, and of D."""
    players = gan.generator, gan.discriminator
    before = [player.get_weights() for player in players]
    turn()
    after = [player.get_weights() for player in players]
    return [
        max(np.abs(new - old).max() for old, new in zip(*pair, strict=True)) for pair in zip(before, after, strict=True)
    ]


def first_batch(gan: keras.Model, data: np.ndarray) -> tf.Tensor:
    """The first batch of what the GAN is trained on."""
    batches = gan.batches(data)
    refuse(
        not isinstance(batches, tf.data.Dataset),
        f"`batches` returns a tf.data.Dataset, as the healthy one does. Yours returns {type(batches).__name__}.",
    )
    batch = next(iter(batches))
    refuse(
        batch.dtype != tf.float32 or tuple(batch.shape[1:]) != data.shape[1:],
        f"a batch is float32, of shape {(gan.batch_size, *data.shape[1:])}. Yours is {batch.dtype.name}, "
        f"{tuple(batch.shape)}.",
    )
    return batch


def train(gan: keras.Model, data: np.ndarray) -> tuple[dict, np.ndarray]:
    """Trains what has been mended; what the curves say at the end, and samples."""
    batches = gan.batches(data).repeat()
    history = gan.fit(batches, steps_per_epoch=STEPS // 4, epochs=4, shuffle=False, verbose=0).history
    samples = gan.generator(keras.random.normal((300, gan.latent_dim), seed=0), training=False)
    return {name: values[-1] for name, values in history.items()}, ops.convert_to_numpy(samples)


def likeness_of(samples: np.ndarray, pixels: np.ndarray) -> float:
    """The correlation of the samples' mean image with that of the real images: where there is ink."""
    real = pixels.astype("float32").mean(axis=0).ravel()
    return float(np.corrcoef(samples.mean(axis=0).ravel(), real)[0, 1])


def draws(gan: keras.Model, pixels: np.ndarray) -> str:
    """Trains a GAN of digits for a moment; raises a hint unless ink comes to be where digits have it."""
    curves, samples = train(gan, pixels)
    refuse(
        not np.isfinite(samples).all(),
        f"after {STEPS} steps the samples are NaN. Something else has been broken on the way.",
    )
    likeness = likeness_of(samples, pixels)
    refuse(
        not likeness >= 0.6,  # also where it is NaN
        f"the line looks mended, but in {STEPS} steps G has not learnt where digits have ink: the mean of the "
        f"samples and that of the images correlate by {likeness:.2f}. Compare the method with that of SmallGAN, "
        "line by line.",
    )
    gap = curves["real_logit"] - curves["fake_logit"]
    return (
        f"after {STEPS} steps there is ink where digits have it (correlation {likeness:.2f}), and D's gap is {gap:.1f}"
    )


def neighbours(images: np.ndarray) -> float:
    """The correlation of a pixel with its neighbour to the right."""
    images = np.asarray(images)
    return float(np.corrcoef(images[:, :, 1:].ravel(), images[:, :, :-1].ravel())[0, 1])


def range_of_tanh(gan: keras.Model, pixels: np.ndarray) -> None:
    """`batches` gives images in [−1, 1], all of it, black at −1."""
    batch = first_batch(gan, pixels).numpy()
    low, high, mean = batch.min(), batch.max(), batch.mean()
    refuse(
        low >= 0 and high <= 1,
        f"the images still lie in [{low:g}, {high:g}]. tanh makes [−1, 1]: 0 must become −1, and 255 must become 1.",
    )
    refuse(low >= 0 and high <= 2.01, "from 0 to 2: the length is right, the place is not. Subtract 1.")
    refuse(
        low < -1.001 or high > 1.001, f"the images now lie in [{low:g}, {high:g}]. bytes / 127.5 − 1 lies in [−1, 1]."
    )
    refuse(
        low > -0.9 or high < 0.9,
        f"the images lie in [{low:g}, {high:g}], a part of what tanh makes: D can tell by the range alone.",
    )
    refuse(
        (mean > 0) != (pixels.mean() > 127.5),
        "black and white have changed places: 0 must become −1, and 255 must become 1.",
    )


def sound_generator_turn(gan: keras.Model, pixels: np.ndarray) -> None:
    """Raises a hint unless `generator_turn` moves G alone, to where D calls its fakes more real."""
    moved(gan, lambda: gan.discriminator_turn(first_batch(gan, pixels)))

    def loss():
        return float(gan.g_loss(gan.discriminator(gan.generator(keras.random.normal((512, gan.latent_dim), seed=3)))))

    before, moves = loss(), []
    try:
        for _ in range(5):
            moves.append(moved(gan, lambda: gan.generator_turn(gan.batch_size)))
        values = gan.generator_turn(gan.batch_size)
    except ValueError as error:
        if "gradient" in str(error).lower():
            raise Hint(
                "Keras refuses: every gradient is None. That is the illness itself, in words: the fakes were made "
                "before the tape began, so it knows no way from the loss to G. Make them *inside* the tape."
            ) from None
        if "variable" in str(error).lower():
            raise Hint(
                "an optimizer is given weights that it was not built on. G's turn is G's weights, with g_optimizer."
            ) from None
        raise
    by_g, by_d = np.max(moves, axis=0)
    refuse(
        by_d > 0, "in G's turn D moves. The gradient is asked for, and the step taken, for the *generator's* weights."
    )
    refuse(by_g == 0, "G still does not move. Are its fakes made inside the tape?")
    refuse(loss() > before, "G moves, and D finds its fakes more fake than before. It is to descend g_loss.")
    refuse(
        not isinstance(values, dict) or "g_loss" not in values,
        'the turn is right. It also returns what is to be logged: {"g_loss": loss}.',
    )


def loss_of_d(gan: keras.Model, real: list, fake: list) -> float:
    """`d_loss` of these logits."""
    loss = gan.d_loss(tf.constant(real, "float32"), tf.constant(fake, "float32"))
    refuse(loss is None, "`d_loss` returns nothing yet. Does it end in `return …`?")
    loss = ops.convert_to_numpy(loss)
    refuse(loss.size != 1, f"a loss is one number; this has shape {loss.shape}. Take the mean.")
    return float(loss.reshape(()))


def _cross_entropy(real_logits, fake_logits):
    return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))


def _logits(seed, *means):
    random = np.random.default_rng(seed)
    return on(*(tf.constant(random.normal(mean, 2, (16, 1)), "float32") for mean in means))


LOSS_OF_D = Function(
    _cross_entropy,
    [_logits(0, 1, -1), _logits(1, -2, 0)],
    {
        "ops.mean(ops.softplus(real_logits)) + ops.mean(ops.softplus(-fake_logits))": "that is what the patient has: "
        "softplus(+logit) is small for a logit below 0.",
        "ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(-fake_logits))": "now real images *and* fakes "
        "have the label 1.",
        "ops.mean(ops.softplus(real_logits)) + ops.mean(ops.softplus(fake_logits))": "now real images *and* fakes "
        "have the label 0.",
        "-ops.mean(ops.softplus(real_logits)) - ops.mean(ops.softplus(-fake_logits))": "a minus before the whole "
        "turns D round, but −softplus is not a cross-entropy: it falls without end.",
        "ops.mean(ops.softplus(-real_logits))": "the fakes are missing. D is to give them the label 0.",
        "ops.mean(ops.softplus(fake_logits))": "the real images are missing. D is to give them the label 1.",
    },
    nudge="real is 1: its loss is small if the logit is high. Fake is 0: small if it is low. The mean of each, added.",
    formula="mean softplus(−real_logits) + mean softplus(fake_logits)",
)


def labels(gan: keras.Model, pixels: np.ndarray) -> None:
    """`d_loss` has the label 1 for real images and 0 for fakes."""
    LOSS_OF_D.examine(gan.d_loss)


def ends_in_a_logit(gan: keras.Model, pixels: np.ndarray) -> None:
    """D ends in one linear output, and G in tanh."""
    generator, discriminator = gan.generator, gan.discriminator
    refuse(
        validation.last_activation(generator) != "tanh",
        "G has lost its tanh: its images have to lie in [−1, 1]. It is D whose end is to be mended.",
    )
    refuse(
        tuple(discriminator.output_shape) != (None, 1),
        f"D outputs one logit for each image, (None, 1). Yours outputs {discriminator.output_shape}.",
    )
    refuse(
        (last := validation.last_activation(discriminator)) not in ("linear", None),
        f"D still ends in {last}. The loss wants a logit, which is what the last Dense layer makes by itself.",
    )


def d_moves(gan: keras.Model, pixels: np.ndarray) -> None:
    """`set_up` lets both players move, and G's turn is sound."""
    refuse(
        (missing := [name for name in ("d_optimizer", "g_optimizer") if not hasattr(gan, name)]),
        f"`set_up` has to make both optimizers; it lacks {', '.join(missing)}.",
    )
    batch = first_batch(gan, pixels)
    by_g, by_d = moved(gan, lambda: gan.discriminator_turn(batch))
    refuse(
        by_d == 0,
        f"D still does not move: it offers {len(gan.discriminator.trainable_variables)} weights to be trained. "
        "In Keras 3 `trainable` counts when the step is taken, not when the model is compiled.",
    )
    refuse(
        gan.optimizer is not None,
        "D moves again. But compile() without optimizer=None has made a third optimizer, which steps nothing.",
    )
    sound_generator_turn(gan, pixels)


def real_images(gan: keras.Model, pixels: np.ndarray) -> None:
    """`batches` gives images of digits, in [−1, 1]."""
    batch = first_batch(gan, pixels).numpy()
    refuse(
        neighbours(batch) < 0.3,
        f"still noise: neighbouring pixels of a batch correlate by {neighbours(batch):.2f}; in images of digits "
        f"by {neighbours(pixels[:500]):.2f}. `batches` is given the pixels.",
    )
    refuse(
        batch.min() < -1.001 or batch.max() > 1.001 or batch.min() > -0.9 or batch.max() < 0.9,
        f"images now, but in [{batch.min():g}, {batch.max():g}]: patient 1's illness. pixels / 127.5 − 1.",
    )


def fresh_latents(gan: keras.Model, pixels: np.ndarray) -> None:
    """`latents` draws from N(0, 1), anew in each call, in a compiled function too."""
    draw = tf.function(lambda: gan.latents(256))
    eager = [ops.convert_to_numpy(gan.latents(256)) for _ in range(2)]
    compiled = [ops.convert_to_numpy(draw()) for _ in range(2)]
    refuse(
        eager[0].shape != (256, gan.latent_dim),
        f"latents have the shape (count, latent_dim); these have {eager[0].shape}.",
    )
    refuse(
        np.array_equal(*eager),
        "two calls still draw the same numbers. An integer seed fixes them. A SeedGenerator, such as self.random, "
        "moves on from call to call.",
    )
    refuse(
        np.array_equal(*compiled),
        "called twice they differ, but not within a training step: that is compiled once, and what NumPy (or Python) "
        "drew then is a constant in it. Draw with keras.random and a SeedGenerator.",
    )
    refuse(
        abs(eager[0].mean()) > 0.1 or abs(eager[0].std() - 1) > 0.1,
        f"fresh now, but not N(0, 1): mean {eager[0].mean():.2f}, standard deviation {eager[0].std():.2f}.",
    )


def sound_targets(gan: keras.Model, pixels: np.ndarray) -> None:
    """`d_loss` has no target above 1 or below 0, and still teaches both kinds."""
    # At a logit of 0 a cross-entropy is log 2 whatever its target is: so each side can be looked at by itself.
    sure = [loss_of_d(gan, [[0.0]], [[-1000.0]]) - np.log(2) for _ in range(30)]
    refuse(min(sure) < -1e-2, "the *fakes'* target is below 0: the loss falls without end on that side.")
    refuse(
        max(sure) > 1, "the fakes' target is above 0. That rewards D for finding fakes a little real; it is to be 0."
    )
    together = [loss_of_d(gan, np.full((256, 1), 1000.0), [[0.0]]) - np.log(2) for _ in range(5)]
    refuse(
        min(together) < -1e-2,
        f"with real logits of 1000 the loss is {min(together):.1f}: the real images' target is above 1.",
    )
    each = [loss_of_d(gan, [[1000.0]], [[0.0]]) - np.log(2) for _ in range(30)]
    refuse(
        min(each) < -1e-2,
        "in the mean the target is not above 1, but for some images it is. It has to stay below for each of them.",
    )
    refuse(
        loss_of_d(gan, [[0.0]], [[5.0]]) < loss_of_d(gan, [[0.0]], [[-5.0]]),
        "D is no longer taught to call fakes fake.",
    )
    refuse(
        loss_of_d(gan, [[-5.0]], [[-5.0]]) < loss_of_d(gan, [[2.0]], [[-5.0]]),
        "D is no longer taught to call real images real. Their target is near 1, and not above it.",
    )


def training_mode(gan: keras.Model, pixels: np.ndarray) -> None:
    """`fakes` and `logits` call the players with training=True."""
    kinds = [layers.BatchNormalization, layers.Dropout]
    for player, kind in zip((gan.generator, gan.discriminator), kinds, strict=True):
        refuse(
            not any(isinstance(layer, kind) for layer in player.layers),
            f"a {kind.__name__} is gone. Mend `fakes` and `logits`, in a subclass of Patient10.",
        )
    images = first_batch(gan, pixels)
    one, other = (ops.convert_to_numpy(gan.logits(images)) for _ in range(2))
    statistics = [layer.moving_mean for layer in gan.generator.layers if isinstance(layer, layers.BatchNormalization)]
    before = [ops.convert_to_numpy(mean) for mean in statistics]
    gan.fakes(64)
    moved = any((ops.convert_to_numpy(mean) != old).any() for mean, old in zip(statistics, before, strict=True))
    refuse(
        np.array_equal(one, other) and not moved,
        "neither Dropout nor BatchNormalization knows yet that it is being trained: training=True, twice.",
    )
    refuse(np.array_equal(one, other), "G is in training mode. D's Dropout is still off: two calls output the same.")
    refuse(not moved, "D is in training mode. G's BatchNormalization still keeps statistics that never move.")


def fresh_shifts(gan: keras.Model, pixels: np.ndarray) -> None:
    """`batches` moves the images anew in each pass."""
    first_batch(gan, pixels)
    few = pixels[:256]
    gan.batch_size = 64
    data = gan.batches(few)
    passes = [np.concatenate([np.asarray(batch) for batch in data]) for _ in range(2)]
    plain = few.astype("float32") / 127.5 - 1

    def known(images, others):
        others = {image.tobytes() for image in np.round(others, 3)}
        return np.mean([image.tobytes() in others for image in np.round(images, 3)])

    rolled = [np.roll(plain, (down, right), (1, 2)) for down in range(-2, 3) for right in range(-2, 3)]
    refuse(
        known(passes[0], plain) > 0.9,
        "the images are no longer moved at all. That is an amputation: keep the shifts, and draw them anew.",
    )
    refuse(
        known(passes[0], np.concatenate(rolled)) < 0.9,
        "these are not the images moved by up to two pixels. Keep `map(shifted)`, and the range [−1, 1].",
    )
    refuse(
        known(passes[1], passes[0]) > 0.9,
        "the second pass still has the same images as the first: what is behind `map(shifted)` is kept.",
    )


def same_size(gan: keras.Model, pixels: np.ndarray) -> None:
    """G makes images of the size of the real ones, and ends in tanh."""
    made, real = tuple(gan.generator.output_shape[1:]), pixels.shape[1:]
    if made != real:
        refuse(
            made == (14, 14, 1),
            "G still makes images of 14×14, whatever D makes of them: the size alone tells D which are real.",
        )
        raise Hint(f"G makes {made}, the images are {real}.")
    refuse(validation.last_activation(gan.generator) != "tanh", "the size is right, but G no longer ends in tanh.")
    first_batch(gan, pixels)


def both_schedules(gan: keras.Model, pixels: np.ndarray) -> None:
    """`set_up` gives each player an optimizer with a schedule, and makes no third."""
    refuse(
        (missing := [name for name in ("d_optimizer", "g_optimizer") if not hasattr(gan, name)]),
        f"`set_up` has to make both optimizers; it lacks {', '.join(missing)}.",
    )
    players = gan.d_optimizer, gan.g_optimizer
    refuse(
        gan.optimizer is not None and not any(gan.optimizer is one for one in players),
        "there still is a third optimizer, and it steps nothing: compile(optimizer=None).",
    )
    refuse(
        gan.optimizer is not None,
        "no optimizer is left over, but the callback reaches only that of one player. Give *each* player's optimizer "
        "a schedule, keras.optimizers.schedules.ExponentialDecay(5e-4, 1500, 0.1), and compile(optimizer=None).",
    )
    refuse(
        players[0] is players[1],
        "one optimizer for both: it keeps a state for each weight, and is built on one player's.",
    )
    moved(gan, lambda: gan.train_step(first_batch(gan, pixels)))
    rates = []
    for optimizer in players:
        optimizer.iterations.assign(0)
        first = float(ops.convert_to_numpy(optimizer.learning_rate))
        optimizer.iterations.assign(1500)
        rates.append(float(ops.convert_to_numpy(optimizer.learning_rate)) / first)
        optimizer.iterations.assign(0)
    refuse(
        min(rates) > 0.99,
        "no optimizer is left over. But the rates no longer fall at all, and the author wanted them to. Give each "
        "player's optimizer a schedule: keras.optimizers.schedules.ExponentialDecay(5e-4, 1500, 0.1).",
    )
    refuse(max(rates) > 0.99, "only one of the players slows down. The other needs a schedule as well.")
    refuse(
        not np.allclose(rates, 0.1, atol=0.02),
        f"after 1,500 steps a tenth of the rate is to be left. Here it is {rates[0]:.2g} (D) and {rates[1]:.2g} (G).",
    )


def means_of_an_epoch(gan: keras.Model, pixels: np.ndarray) -> None:
    """`log` returns the means of the epoch so far."""
    tellings = iter([0.0, 100.0, 0.0, 300.0])
    for epoch in range(2):  # what an epoch of two batches reports
        gan.reset_metrics()
        for _ in range(2):
            values = dict.fromkeys(("d_loss", "g_loss", "real_logit", "fake_logit"), tf.constant(next(tellings)))
            reported = gan.log(values)
        refuse(
            not isinstance(reported, dict) or "d_loss" not in reported,
            "`log` returns a dictionary from name to number, with the names of `values`.",
        )
        refuse(
            set(reported) != set(values), f"{', '.join(sorted(set(values) - set(reported)))} is not reported any more."
        )
        found = {float(ops.convert_to_numpy(value)) for value in reported.values()}
        mean, last = (50.0, 100.0) if epoch == 0 else (150.0, 300.0)
        refuse(
            found == {last},
            f"an epoch with the losses {last - 2 * (last - mean):g} and {last:g} is reported as {last:g}, the last.",
        )
        refuse(
            found == {100.0} and epoch == 1,
            "the means go on from one epoch to the next. Use self.means: Keras knows them, and resets them.",
        )
        refuse(
            found != {mean},
            f"the mean of the epoch is {mean:g}; reported is {sorted(found)}. Does each mean take in its own value?",
        )


def arrives(gan: keras.Model, points: np.ndarray) -> str:
    """Trains a WGAN on the ring for a moment; raises a hint unless its samples get to where the points are."""

    def apart(samples):
        return float(np.linalg.norm(samples[:, None] - points[:500], axis=2).min(axis=1).mean())

    start = ops.convert_to_numpy(gan.generator(keras.random.normal((300, gan.latent_dim), seed=0)))
    _, samples = train(gan, points)
    refuse(not np.isfinite(samples).all(), f"after {STEPS} steps the samples are NaN.")
    refuse(
        apart(samples) > 0.85 * apart(start),
        f"the line looks mended, but in {STEPS} steps the samples have hardly come nearer to the points: from "
        f"{apart(start):.2f} to {apart(samples):.2f}. Compare the method with that of SmallWGAN, line by line.",
    )
    return (
        f"in {STEPS} steps the samples have come nearer to the points, from {apart(start):.2f} to {apart(samples):.2f}"
    )


def where_it_looks(gan: keras.Model, count: int = 512) -> np.ndarray:
    """Where the penalty asks for the slope: α itself, since real points are 1 and fakes are 0."""
    seen, logits = [], gan.logits

    def spy(points):
        seen.append(ops.convert_to_numpy(points))
        return logits(points)

    gan.logits = spy
    try:
        gan.penalty(tf.ones((count, 2)), tf.zeros((count, 2)))
    finally:
        del gan.logits
    refuse(
        not seen or seen[-1].shape != (count, 2),
        "the penalty does not ask `self.logits` about one point for each pair.",
    )
    return seen[-1]


def sound_penalty(gan: keras.Model, points: np.ndarray) -> None:
    """Raises a hint unless `penalty` is 10 E(‖∇D‖ − 1)², uniform between real and fake, finite where D is flat."""
    alpha = where_it_looks(gan)
    refuse(
        np.ptp(alpha, axis=1).max() > 1e-5,
        "α differs between the coordinates of a point: then it is not on the line between the two. Shape (count, 1).",
    )
    refuse(
        (outside := np.mean((alpha < -1e-6) | (alpha > 1 + 1e-6))) > 0,
        f"{outside:.0%} of the points lie outside the line between a real point and a fake. α is *uniform* on [0, 1].",
    )
    refuse(np.ptp(alpha) < 1e-5, "α is the same for all pairs. Draw one for each.")
    refuse(
        abs(alpha.mean() - 0.5) > 0.07 or abs(alpha.var() - 1 / 12) > 0.02,
        f"the points are not evenly spread: mean α {alpha.mean():.2f}, variance {alpha.var():.3f}; not 0.50 and 0.083.",
    )

    critic = gan.discriminator
    weights = critic.get_weights()
    random = np.random.default_rng(0)
    real, fake = (tf.constant(random.normal(size=(64, 2)), "float32") for _ in range(2))
    try:
        critic.set_weights([np.zeros_like(weight) for weight in weights])
        with tf.GradientTape() as tape:
            flat = tf.convert_to_tensor(gan.penalty(real, fake))
        gradients = tape.gradient(flat, critic.trainable_variables)
    finally:
        critic.set_weights(weights)
    refuse(
        any(gradient is not None and not np.isfinite(gradient).all() for gradient in gradients),
        "where the critic is flat the penalty's gradient is still NaN: the root has an infinite slope at 0. The ε "
        "belongs *under* the root.",
    )
    refuse(
        not np.isclose(float(flat), 10, rtol=0.02),
        f"a flat critic pays 10·(0 − 1)² = 10; here it pays {float(flat):.3f}. Is the ε tiny, the target 1, λ 10?",
    )

    gan.logits, slope = (lambda points: 3.0 * points[:, :1]), 3.0  # a critic whose slope is known
    try:
        found = float(gan.penalty(real, fake))
    finally:
        del gan.logits
    refuse(
        not np.isclose(found, 10 * (slope - 1) ** 2, rtol=1e-3),
        f"a critic of slope 3 everywhere pays 10·(3 − 1)² = 40; here it pays {found:.2f}.",
    )


def each_point_alone(gan: keras.Model, points: np.ndarray) -> None:
    """The critic's output for a point depends on that point alone."""
    critic = gan.discriminator
    refuse(
        any(isinstance(layer, layers.BatchNormalization) for layer in critic.layers),
        "the critic still has a BatchNormalization.",
    )
    refuse(
        tuple(critic.output_shape) != (None, 1) or tuple(gan.generator.output_shape) != (None, 2),
        "G makes points, (None, 2), and the critic outputs one number for each, (None, 1).",
    )
    answers = [
        gan.logits(np.concatenate([points[:1], others])).numpy()[0, 0] for others in (points[1:64], points[64:127])
    ]
    refuse(
        not np.isclose(*answers, rtol=1e-4, atol=1e-5),
        "the output for a point still depends on the others of the batch.",
    )
    refuse(
        len(critic.trainable_variables) < 4,
        "too much has been taken out: the critic is no longer a network with hidden layers.",
    )


def fresh_batches(gan: keras.Model, points: np.ndarray) -> None:
    """`train_step` takes five critic steps on five batches, then one step of G."""
    batch = first_batch(gan, points)
    seen, turns = [], []
    critics, generators = gan.discriminator_turn, gan.generator_turn

    def critics_turn(fresh):
        seen.append(ops.convert_to_numpy(fresh))
        return critics(fresh)

    def generators_turn(count):
        turns.append(len(seen))
        return generators(count)

    gan.discriminator_turn, gan.generator_turn = critics_turn, generators_turn
    try:
        values = gan.train_step(batch)
    finally:
        del gan.discriminator_turn, gan.generator_turn
    steps = getattr(gan, "critic_steps", 5)
    different = len({part.tobytes() for part in seen})
    refuse(len(seen) != steps, f"the critic is to take {steps} steps in one train_step. Here it takes {len(seen)}.")
    refuse(len(turns) != 1, f"the generator is to take one step, after the critic's. Here it takes {len(turns)}.")
    refuse(turns != [steps], "the generator steps before the critic has had its turns.")
    refuse(
        different < steps,
        f"the critic's {steps} steps see {different} different batch{'es' if different > 1 else ''}. What "
        f"`batches` gives is {len(batch)} points, enough for {steps} times {gan.batch_size}: split it.",
    )
    every = np.concatenate(seen)
    refuse(
        len(np.unique(every, axis=0)) < len(every),
        "the critic's batches overlap: some points come twice. Split the batch into parts.",
    )
    refuse(
        not isinstance(values, dict) or not {"d_loss", "g_loss"} <= set(values),
        "the turns are right. train_step returns what is logged: self.log(values | …).",
    )
