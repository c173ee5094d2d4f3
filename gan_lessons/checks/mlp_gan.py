"""The exercises of the lesson "An MLP GAN on MNIST"."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from gan_lessons import networks, objectives
from gan_lessons.checks import Exercise
from gan_lessons.checks.functions import Function, on
from gan_lessons.checks.kinds import Choice, Number, Several
from gan_lessons.models import GAN

LOG_2 = float(np.log(2))


def _softplus(t):
    return np.logaddexp(0, t)


_NOT_THE_LOGIT = "softplus wants the logit, not the probability. Which logit gives the probability ½?"
_NOT_THE_LOSS = (
    "½ is D's output. Its loss is −log of the probability that it gives to the truth, for both kinds, added."
)
answers_half = Exercise(
    "D's loss when it cannot tell",
    Number(
        2 * LOG_2,
        {
            LOG_2: "log 2 is the mean over the real images alone. D judges the fakes as well, and the two are added.",
            -2 * LOG_2: "that is the value of the game, V = −log 4. D wants V large; its *loss*, which it descends, "
            "is −V.",
            2 * np.log10(2): "log is the natural logarithm here, as everywhere in this course: np.log, not np.log10.",
            2: "these are bits. log is the natural logarithm here: np.log, not np.log2.",
            2 * _softplus(-0.5): _NOT_THE_LOGIT,
            _softplus(-0.5) + _softplus(0.5): _NOT_THE_LOGIT,
            0.5: _NOT_THE_LOSS,
            0: _NOT_THE_LOSS,
            1: _NOT_THE_LOSS,
        },
        nudge="D gives the probability ½ to the truth, whether the image is real or fake. What does each kind cost?",
        formula="−E[log D(x)] − E[log(1 − D(G(z)))], with D = ½ in both",
    ),
    right="2·log 2 = 1.386: log 2 for the real images and log 2 for the fakes. It is where the two players can rest.",
)

_REAL, _FAKE = np.array([2.0, 0.0]), np.array([-2.0, 1.0])
_REAL_PART, _FAKE_PART = _softplus(-_REAL).mean(), _softplus(_FAKE).mean()
_ONE_PART = "that is one of the two parts. Add the other kind of image."
loss_of_logits = Exercise(
    "D's loss by hand",
    Number(
        _REAL_PART + _FAKE_PART,
        {
            2
            * (
                _REAL_PART + _FAKE_PART
            ): "you have added over the images. The loss is a mean over each kind, so that it does not grow with the "
            "batch.",
            (_REAL_PART + _FAKE_PART) / 2: "that is the mean over all four images. The objective adds the two means.",
            _softplus(_REAL).mean()
            + _softplus(-_FAKE).mean(): "the labels are swapped. Real is 1: where the logit of a real image is high, "
            "its loss is small.",
            _REAL_PART + _softplus(-_FAKE).mean(): "you have counted the fakes as real too. A fake's label is 0.",
            _REAL_PART: _ONE_PART,
            _FAKE_PART: _ONE_PART,
            -_REAL_PART - _FAKE_PART: "that is V, which D raises. A loss is what D descends: −V.",
            np.inf: "a logit is any real number, a probability lies in (0, 1). Take log of σ(logit), not of the logit.",
        },
        nudge="turn each logit into the probability of the truth. The loss is −log of it: a mean for each kind, added.",
        formula="mean of softplus(−real_logits) + mean of softplus(fake_logits), with softplus(t) = log(1 + eᵗ)",
    ),
    right="1.130, a little under 2·log 2: D is right about one real image and one fake, and undecided or wrong else.",
)


def _smoothed(real_logits, fake_logits):
    real_loss = ops.mean(0.9 * ops.softplus(-real_logits) + 0.1 * ops.softplus(real_logits))
    return real_loss + ops.mean(ops.softplus(fake_logits))


def _targets(real, fake, sign=1, mean=ops.mean):
    """The loss with these targets."""

    def entropy(target, logits):
        return mean(target * ops.softplus(-logits) + (1 - target) * ops.softplus(logits))

    return lambda real_logits, fake_logits: sign * (entropy(real, real_logits) + entropy(fake, fake_logits))


def _by_probabilities(real_logits, fake_logits):
    real, fake = ops.sigmoid(real_logits), ops.sigmoid(fake_logits)
    return -ops.mean(0.9 * ops.log(real) + 0.1 * ops.log(1 - real)) - ops.mean(ops.log(1 - fake))


def _logits(seed, real_mean, fake_mean, spread=2.0):
    random = np.random.default_rng(seed)
    means = real_mean, fake_mean
    return on(*(ops.convert_to_tensor(random.normal(mean, spread, (8, 1)).astype("float32")) for mean in means))


smoothed_loss = Exercise(
    "One-sided label smoothing",
    Function(
        _smoothed,
        [_logits(0, 1, -1), _logits(1, -2, 0.5), _logits(2, 200, 200, spread=1)],
        {
            _targets(1, 0): "that is the loss without smoothing. The target for real images is to be 0.9, not 1.",
            _targets(
                0.9, 0.1
            ): "you have smoothed both sides; this is *one-sided*. A target of 0.1 for fakes would reward D for "
            "finding bad fakes a little real, and G for keeping them as they are.",
            _targets(
                1, 0.1
            ): "you have smoothed the fakes. It is the real images whose target is 0.9; the fakes keep 0.",
            "ops.mean(0.9 * ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))": "0.9 of −log D(x) "
            "only weighs the old loss. The other 0.1 belongs to the other output, and stops D from growing ever "
            "surer.",
            _targets(0.1, 0): "0.9 and 0.1 have changed places: 0.9 goes with −log D(x), which is softplus(−logit).",
            _targets(
                0.9, 0, sign=-1
            ): "the sign: a loss is to be minimised, and a D that is right must have a small one.",
            _targets(0, 1): "the labels are swapped: real images have the target 0.9, fakes 0.",
            _targets(0.9, 0, mean=ops.sum): "that is a sum over the batch, which grows with it. Take the means.",
            "0.9 * ops.softplus(-real_logits) + 0.1 * ops.softplus(real_logits) + ops.softplus(fake_logits)": "that "
            "is a loss for each image. Take the mean over the batch.",
            _by_probabilities: "right for small logits, but at a logit of 200 it is not finite: log 0. Use softplus "
            "of the logits.",
        },
        nudge="the loss has three terms: two for a real image, with weights 0.9 and 0.1, and one for a fake.",
        formula="the cross-entropy with target y is y·softplus(−logit) + (1 − y)·softplus(logit); the mean of each; "
        "added",
    ),
    right="D is no longer rewarded for being surer than 0.9, so its logits, and with them G's gradients, stay "
    "moderate.",
)

# --- G's turn -------------------------------------------------------------------------------------


def _witnessed_players(seed):
    """A tiny generator and discriminator, and the list of the `training` flags that they are called with."""
    flags = []

    class Witness(keras.layers.Layer):
        def call(self, inputs, training=None):
            flags.append(bool(training))
            return inputs

    def network(inputs, outputs, seed, activation):
        dense = keras.layers.Dense(
            outputs, activation=activation, kernel_initializer=keras.initializers.GlorotNormal(seed=seed)
        )
        return keras.Sequential([keras.Input((inputs,)), Witness(), dense])

    return network(3, 4, seed=seed, activation="tanh"), network(4, 1, seed=seed + 1, activation=None), flags


def _step_of_g(seed, count):
    """A probe: whether D moves, how G moves, whether both train, and the loss; for one step by SGD."""

    def probe(function):
        generator, discriminator, flags = _witnessed_players(seed)
        flags.clear()  # they were called while they were built
        before, d_before = generator.get_weights(), discriminator.get_weights()
        loss = function(generator, discriminator, keras.optimizers.SGD(0.1), keras.random.normal((count, 3), seed=seed))
        moves = [(new - old).ravel() for new, old in zip(generator.get_weights(), before, strict=True)]
        d_moves = any((new != old).any() for new, old in zip(discriminator.get_weights(), d_before, strict=True))
        return d_moves, np.concatenate(moves), len(flags) >= 2 and all(flags), np.nan if loss is None else loss

    return probe


def _generator_step(generator, discriminator, optimizer, latents):
    with tf.GradientTape() as tape:
        fake_logits = discriminator(generator(latents, training=True), training=True)
        loss = ops.mean(ops.softplus(-fake_logits))
    weights = generator.trainable_variables
    optimizer.apply(tape.gradient(loss, weights), weights)
    return loss


def _turn(
    loss_of=lambda t: ops.mean(ops.softplus(-t)), players=("g",), training=True, early=False, returns=lambda x: x
):
    """A step with one thing wrong."""

    def function(generator, discriminator, optimizer, latents):
        fakes = generator(latents, training=training)
        with tf.GradientTape() as tape:
            if not early:
                fakes = generator(latents, training=training)
            loss = loss_of(discriminator(fakes, training=training))
        weights = [
            w for p, net in (("g", generator), ("d", discriminator)) if p in players for w in net.trainable_variables
        ]
        if weights:
            optimizer.apply(tape.gradient(loss, weights), weights)
        return returns(loss)

    return function


_RETURN = "the step is right; now return the loss before the step, to be logged."
generator_step = Exercise(
    "G's turn",
    Function(
        _generator_step,
        [_step_of_g(1, 8), _step_of_g(5, 5)],
        {
            "None": "the function does nothing yet. A tape, the fakes, G's loss, its gradients, a step, `return loss`.",
            _turn(
                early=True
            ): "every gradient is None: there is no way back from the loss to G's weights. In G's turn the fakes "
            "must be made *inside* the tape, and nothing on the way may be stopped or turned into NumPy.",
            _turn(
                players=("d",)
            ): "D has moved, and G has not. It is G's turn: a step for generator.trainable_variables.",
            _turn(players=("g", "d")): "D has moved too. D only judges in G's turn: step G's weights alone.",
            _turn(players=()): "G's weights are where they were. Hand the gradients to the optimizer: optimizer.apply.",
            _turn(
                lambda t: ops.mean(ops.softplus(t))
            ): "G went the wrong way: softplus(+logits) is D's loss on fakes. G wants them called real.",
            _turn(
                lambda t: -ops.mean(ops.softplus(t))
            ): "that is the minimax loss, log(1 − D(G(z))). It is not wrong, but it is the one that saturates when G "
            "loses; the lesson's is −log D(G(z)).",
            _turn(
                lambda t: -ops.mean(ops.softplus(-t))
            ): "G climbed where it should descend: the loss is +softplus(−logits), and an optimizer minimises.",
            _turn(lambda t: ops.sum(ops.softplus(-t))): "the loss is a mean over the batch, not a sum.",
            _turn(lambda t: -ops.mean(t)): "that is a WGAN's loss, linear in the logits. The lesson's is −log D(G(z)).",
            _turn(
                training=False
            ): "the step is right for these networks, but a player was called without training=True. With Dropout or "
            "BatchNormalization inside, that would be another network than the one you train.",
            _turn(returns=lambda loss: None): _RETURN,
            _turn(returns=lambda loss: 2 * loss): _RETURN,
        },
        nudge="G moved, but not by one step down its loss. Use the latents that are given, and one step.",
        formula="the loss is mean(softplus(−D's logits on G(latents))); the step is for generator.trainable_variables",
        room=1e-5,
    ),
    right="G moved, D did not, and the way from the loss to G's weights led through D: that is all that G ever "
    "learns from.",
)

# --- the arc --------------------------------------------------------------------------------------


def _spherical(start, end, t):
    cosine = start @ end / (np.linalg.norm(start) * np.linalg.norm(end))
    angle = np.arccos(cosine)
    return (np.sin((1 - t) * angle) * start + np.sin(t * angle) * end) / np.sin(angle)


def _straight(start, end, t):
    return (1 - t) * start + t * end


def _scaled(start, end, t):
    point, length = _straight(start, end, t), _straight(np.linalg.norm(start), np.linalg.norm(end), t)
    return length * point / np.linalg.norm(point)


def _undivided(start, end, t):
    cosine = start @ end / (np.linalg.norm(start) * np.linalg.norm(end))
    return _spherical(start, end, t) * np.sqrt(1 - cosine**2)


def _sines(start, end, t):
    angle = np.arccos(start @ end)
    return (np.sin((1 - t) * angle) * start + np.sin(t * angle) * end) / np.sin(angle)


_WAYS = [np.random.default_rng(seed).normal(size=(2, 100)).astype("float32") for seed in (2, 3)]
spherical = Exercise(
    "Spherical interpolation",
    Function(
        _spherical,
        [on(start, end, t) for start, end in _WAYS for t in (0.0, 1.0, 0.5, 0.25)],
        {
            _straight: "that is the straight way. Half-way its length is about 7, where latents have about 10: the "
            "weights are sines of parts of the angle, not 1 − t and t.",
            "_spherical(end, start, t)": "the arc is walked backwards: at t = 0 the weight of `start` must be 1.",
            _undivided: "at t = 0 you get sin(ω)·start. Both weights have to be divided by sin(ω).",
            "_spherical(start / np.linalg.norm(start), end / np.linalg.norm(end), t)": "all your points have length "
            "1. Normalise only to find the angle; the arc runs between start and end.",
            _scaled: "the ends and the lengths are right, but at t = ¼ a quarter of the *angle* must lie behind you.",
            _sines: "there are NaNs. The angle is arccos(start · end / (‖start‖ ‖end‖)): without dividing by the two "
            "lengths, arccos gets numbers beyond 1.",
        },
        nudge="at t = 0 it must give `start`, at t = 1 `end`, and in between go along the arc by parts of the angle ω.",
        formula="weights sin((1 − t)·ω)/sin(ω) and sin(t·ω)/sin(ω), with ω = arccos(start · end / (‖start‖ ‖end‖))",
    ),
    right="the length stays that of the ends, about 10; the straight way would have passed at about 7.",
)

# --- three GANs with a defect each ----------------------------------------------------------------------


class _SwappedLabels(objectives.NonSaturating):
    """The defect "swapped": D is told that real images are fake and fakes real."""

    def discriminator_loss(self, real_logits, fake_logits):
        return super().discriminator_loss(real_logits=fake_logits, fake_logits=real_logits)


class _SigmoidTwice(objectives.NonSaturating):
    """The defect "sigmoid": D ends in a sigmoid, and the loss, which expects logits, applies another."""

    def discriminator_loss(self, real_logits, fake_logits):
        return super().discriminator_loss(ops.sigmoid(real_logits), ops.sigmoid(fake_logits))

    def generator_loss(self, fake_logits):
        return super().generator_loss(ops.sigmoid(fake_logits))

    def log(self, real_logits, fake_logits):
        return super().log(ops.sigmoid(real_logits), ops.sigmoid(fake_logits))


_DIAGNOSES = {"A": "frozen", "B": "sigmoid", "C": "swapped"}


def sick_runs(images, points=20, steps=10):
    """Trains three small GANs for a moment, each with a defect. Which has which is for the student to say.

    Args:
        images: real images of shape (n, height, width, channels) in [−1, 1].
        points: the number of entries in each history.
        steps: training steps for each entry, which is their mean.

    Returns:
        A dictionary from "A", "B" and "C" to a history with `d_loss`, `g_loss`, `d_real` and `d_fake`.
    """
    shape = images.shape[1:]
    batches = tf.data.Dataset.from_tensor_slices(images).batch(64, drop_remainder=True).repeat()
    histories = {}
    for name, defect in _DIAGNOSES.items():
        gan = GAN(
            networks.mlp_generator(shape, latent_dim=32, units=(128,)),
            networks.mlp_discriminator(shape, units=(128,)),
            latent_dim=32,
            objective={"sigmoid": _SigmoidTwice(), "swapped": _SwappedLabels()}.get(defect, "non_saturating"),
            seed=0,
        )
        gan.compile(
            # A rate of 0 is what a G comes to whose gradient has been stopped.
            generator_optimizer=keras.optimizers.Adam(0.0 if defect == "frozen" else 1e-3, beta_1=0.5),
            discriminator_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.5),
            jit_compile=False,
        )
        histories[name] = gan.fit(batches, steps_per_epoch=steps, epochs=points, verbose=0).history
    return histories


_REASONS = {
    "frozen": "D goes to 1 on real images and to 0 on fakes, and G's loss grows without end. There is an opponent "
    "who learns and one who does not.",
    "sigmoid": "look at the range of D's outputs: none is below ½ and none is above 0.73 = σ(1). What kind of number "
    "must have gone into the last σ?",
    "swapped": "*both* losses fall to 0, while D calls fakes real and real images fake. Two players who both win are "
    "not opponents: what would D have to be told to want the same as G?",
}
diagnosis = Exercise(
    "Three sick GANs",
    Several(
        {
            run: Choice(
                defect,
                {other: f"not {other!r}: {_REASONS[defect]}" for other in (*_REASONS, "healthy") if other != defect},
                nudge="choose one of the names on the list.",
                formula="a healthy pair: D's outputs near ½, real a little above fake, and neither loss goes to 0",
            )
            for run, defect in _DIAGNOSES.items()
        }
    ),
    right="and note that a number alone, such as a small d_loss, would not have told C from A. Read both players' "
    "curves.",
)
