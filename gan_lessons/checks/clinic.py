"""The exercises of the lesson The clinic: four instruments, and eighteen patients to name and to mend.

A patient's exercise takes the name of the illness, and a class in which the faulty method is written anew. A rule of
`gan_lessons.checks.rules` looks at that method alone; then the class is trained for a moment.
"""

import difflib
import dis
import inspect

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from gan_lessons.checks import Exercise, rules
from gan_lessons.checks.functions import UNWATCHED, Function
from gan_lessons.checks.kinds import Blank, Kind, is_blank
from gan_lessons.doctor import ILLNESSES

# --- the instruments ------------------------------------------------------------------------------


class _Puppet:
    """Something to examine: two networks, and a training step that changes their weights by known amounts."""

    def __init__(self, generator_by, discriminator_by):
        self.generator, self.discriminator = (keras.Sequential([keras.Input((3,)), layers.Dense(2)]) for _ in range(2))
        self.by = {self.generator: generator_by, self.discriminator: discriminator_by}
        self.steps = 0

    def train_step(self, real_images):
        self.steps += 1
        for player, amounts in self.by.items():
            kernel = ops.convert_to_numpy(player.weights[0]).copy()
            kernel.ravel()[: len(amounts)] += amounts
            player.weights[0].assign(kernel)
        return {}


def _one_step(*amounts):
    """A probe: how many steps the function takes, and what it says of them."""

    def probe(function):
        gan = _Puppet(*amounts)
        found = function(gan, np.zeros((4, 3), "float32"))
        return gan.steps, None if found is None else np.ravel(
            [ops.convert_to_numpy(value) for value in np.ravel(found)]
        )

    return probe


def _who_moves(gan, real_images):
    players = gan.generator, gan.discriminator
    before = [player.get_weights() for player in players]
    gan.train_step(real_images)
    after = [player.get_weights() for player in players]
    return [
        max(np.abs(new - old).max() for old, new in zip(*pair, strict=True)) for pair in zip(before, after, strict=True)
    ]


def _moves(
    change=lambda new, old: np.abs(new - old).max(), weights=lambda player: player.get_weights(), steps=1, order=1
):
    """The same with one thing wrong."""

    def function(gan, real_images):
        players = (gan.generator, gan.discriminator)[::order]
        before = [weights(player) for player in players]
        for _ in range(steps):
            gan.train_step(real_images)
        pairs = zip(before, [weights(player) for player in players], strict=True)
        changes = [[change(*map(np.asarray, pair)) for pair in zip(new, old, strict=True)] for old, new in pairs]
        return [max(player) for player in changes]

    return function


who_moves = Exercise(
    "Who moves?",
    Function(
        _who_moves,
        [_one_step([0.5, -0.25], [-2.0, 1.0]), _one_step([0.0], [0.125])],
        {
            _moves(steps=0): "no training step is taken: gan.train_step(real_images).",
            _moves(steps=2): "one training step is to be taken, gan.train_step(real_images), and not two.",
            _moves(
                weights=lambda player: player.weights
            ): "both numbers are 0, though the weights have changed. Are the weights *before* a copy? "
            "`model.weights` are the variables themselves, and change along; `get_weights()` copies.",
            _moves(order=-1): "the two have changed places: G first, then D.",
            _moves(
                lambda new, old: max(0.0, (new - old).max())
            ): "a weight that falls has moved as well: take the absolute value before the maximum.",
            _moves(
                lambda new, old: np.abs(new - old).sum()
            ): "that is the sum of all changes; the *largest* is asked for.",
            _moves(
                lambda new, old: np.abs(new - old).mean()
            ): "that is a mean of the changes; the *largest* is asked for.",
        },
        nudge="return two numbers, G's and D's, from the weights before and after one step.",
        formula="over all arrays of a player, the maximum of |after − before|",
    ),
    right="Adam moves most weights by its learning rate at most. The largest move may be up to (1 − β₁)/√(1 − β₂) ≈ "
    "16 times that, for a weight whose gradient was small before. A player that moves by 0 is not being trained.",
)


def _one_turn(real, fake, old=(0.5, 0.0), new=(1.5, 2.0)):
    """A probe: how often step(), which sets the weight and the bias of D, is called, and the change that is found."""

    def probe(function):
        discriminator, calls = keras.Sequential([keras.Input((1,)), layers.Dense(1)]), []

        def step():
            calls.append(True)
            discriminator.set_weights([np.array([[new[0]]]), np.array([new[1]])])

        discriminator.set_weights([np.array([[old[0]]]), np.array([old[1]])])
        found = function(discriminator, step, *(np.array(images, "float32")[:, None] for images in (real, fake)))
        return len(calls), found

    return probe


def _learns_to_tell(discriminator, step, real_images, fake_images):
    def margin():
        return float(ops.mean(discriminator(real_images)) - ops.mean(discriminator(fake_images)))

    before = margin()
    step()
    return margin() - before


def _tells(of=lambda logits: logits, total=ops.mean, sign=1, steps=1, late=False, fakes=True, before=True):
    """The same with one thing wrong."""

    def function(discriminator, step, real_images, fake_images):
        def margin():
            value = total(of(discriminator(real_images)))
            return value - total(of(discriminator(fake_images))) if fakes else value

        first = margin()
        for _ in range(steps):
            step()
        first = margin() if late else first
        return sign * (margin() - (first if before else 0.0))

    return function


learns_to_tell = Exercise(
    "Does D learn to tell?",
    Function(
        _learns_to_tell,
        [_one_turn([1, 3], [-4, 1, 0]), _one_turn([0, 1], [2, 5, 1], old=(1, 1))],
        {
            _tells(steps=0): "step() is to be called once, between the two looks. It was not called.",
            _tells(steps=2): "step() is to be called once, between the two looks. It was called 2 times.",
            _tells(sign=-1): "the sign is turned round: real minus fake, and after minus before.",
            _tells(
                late=True
            ): "you get 0: is the margin *before* computed before step() is called? D is one object, and changes.",
            _tells(before=False): "that is the margin after the step. Subtract what it was before.",
            _tells(total=ops.sum): "sums depend on how many images there are. Take the mean over each kind.",
            _tells(
                of=ops.sigmoid
            ): "use the logits as they are: a sigmoid flattens the differences of a D that is sure.",
            _tells(
                fakes=False
            ): "that is the change on real images alone. A D that calls *everything* real gains there too.",
        },
        nudge="compute the margin, call step(), compute the margin again: a difference of two *means*, twice.",
        formula="(mean D(real) − mean D(fake)) after step(), minus the same before it",
    ),
    right="it asks whether D gets better at its job, and not whether some loss gets smaller.",
)


def _distinct(samples, radius):
    samples = np.asarray(samples).reshape(len(samples), -1)
    kept = samples[:1]
    for sample in samples[1:]:
        if np.linalg.norm(kept - sample, axis=1).min() > radius:
            kept = np.concatenate([kept, sample[None]])
    return len(kept)


def _count(near=lambda a, b, radius: np.linalg.norm(a - b) <= radius, against="kept"):
    """The same with one thing wrong."""

    def function(samples, radius):
        kept, seen = [], []
        for sample in samples:
            others = {"kept": kept, "last": kept[-1:], "all": seen}[against]
            kept += [] if any(near(sample, other, radius) for other in others) else [sample]
            seen.append(sample)
        return len(kept)

    return function


_random = np.random.default_rng(0)
_CLOUDS = 10.0 * _random.integers(4, size=(60, 1, 1)) + 0.01 * _random.normal(size=(60, 2, 3))
_IN_ORDER = _CLOUDS[np.argsort(_CLOUDS[:, 0, 0])]
_LINE = np.arange(10.0)[:, None, None] * np.ones((1, 2, 2))  # neighbours have the distance √4 = 2


def _counts(samples, *radii):
    return lambda function: tuple(function(samples.astype("float32"), radius) for radius in radii)


distinct = Exercise(
    "How many are distinct?",
    Function(
        _distinct,
        [_counts(_IN_ORDER, 1.0), _counts(_CLOUDS, 1.0), _counts(_LINE, 1.9, 2.1, 100.0)],
        {
            _count(
                lambda a, b, radius: np.array_equal(a, b)
            ): "four clouds of samples that hardly differ count as 60. Two samples are the same if they are *near* "
            "each other; being exactly equal is rare.",
            "_distinct(samples, radius) - 1": "one is missing. Is the first sample of all kept?",
            "len(samples) - _distinct(samples, radius)": "those that were dropped are counted, not those that were "
            "kept.",
            _count(
                against="last"
            ): "the same samples in another order have another number. Compare each sample with *all* that were "
            "kept, not with the last one.",
            _count(
                against="all"
            ): "a sample is compared with those that were dropped as well, so a chain of small steps counts as one. "
            "Compare with those that were *kept*.",
            _count(
                lambda a, b, radius: np.abs(a - b).max() <= radius
            ): "two samples of four pixels that differ by 1 in each are √4 = 2 apart. You compare the largest "
            "difference.",
            _count(
                lambda a, b, radius: np.sum((a - b) ** 2) <= radius
            ): "the root is missing: that is the square of the distance.",
        },
        nudge="60 samples in four small clouds, far apart, are four distinct ones.",
        formula="keep a sample if ‖sample − k‖ > radius for every k that was kept before",
    ),
    right="a collapsed generator has a handful, however many samples you draw.",
)


def _slopes(critic, points):
    with tf.GradientTape() as tape:
        tape.watch(points)
        total = ops.sum(critic(points))
    gradients = ops.reshape(tape.gradient(total, points), (len(points), -1))
    return ops.sqrt(ops.sum(gradients**2, axis=1))


def _steep(of=lambda g: np.sqrt(np.sum(np.reshape(g, (len(g), -1)) ** 2, axis=1)), total=ops.sum, watch=True):
    """The same with one thing wrong."""

    def function(critic, points):
        with tf.GradientTape() as tape:
            if watch:
                tape.watch(points)
            outputs = total(critic(points))
        return of(tape.gradient(outputs, points).numpy())

    return function


def _slopes_of(seed, *shape):
    """A probe: the critic ‖x‖²/2 has the gradient x."""
    points = tf.constant(np.random.default_rng(seed).normal(size=shape), "float32")
    axes = tuple(range(1, len(shape)))
    return lambda function: function(lambda x: ops.sum(x**2, axis=axes)[:, None] / 2, points)


slopes = Exercise(
    "How steep is a critic?",
    Function(
        _slopes,
        [_slopes_of(0, 5, 2), _slopes_of(1, 3, 4, 4, 1)],
        {
            _steep(watch=False): UNWATCHED,
            _steep(
                total=ops.mean
            ): "differentiate the *sum* of the outputs. Their mean divides every gradient by the number of points.",
            _steep(
                lambda g: g
            ): "that is the gradient itself. Its length is asked for: the root of the sum of squares, point by point.",
            _steep(np.linalg.norm): "one length for each point is asked for, of shape (count,); this is one number.",
            _steep(lambda g: np.sum(np.reshape(g, (len(g), -1)) ** 2, 1)): "the root is missing: that is the square.",
            _steep(
                lambda g: np.abs(np.reshape(g, (len(g), -1))).sum(axis=1)
            ): "that is the sum of the absolute values; the length is the root of the sum of the *squares*.",
            "_steep(lambda g: np.linalg.norm(g, axis=-1))(critic, points)": "right for points, but not for images: "
            "take the length over *all* axes behind the first.",
        },
        nudge="for D(x) = ‖x‖²/2 the gradient is x, so you know each point's length.",
        formula="√Σ (∂ΣD/∂x)², the sum over all axes of a point but the first",
    ),
    right="one number for each point, since each has a slope of its own.",
)

# --- the patients ---------------------------------------------------------------------------------


class Mend(Kind):
    """The name of an illness, and a class in which the faulty method is written anew.

    Args:
        illness: its name on the doctor's list.
        clues: from a wrong name to its hint; under None for all other names.
        rule: a function from the mended GAN and its data that raises `Hint`.
        cure: the line that mends the patient.
    """

    several = True

    def __init__(self, illness, clues, rule, cure):
        super().__init__(clues[None], formula="")
        self.illness, self.clues, self.rule, self.cure = illness, clues, rule, cure

    def examine(self, illness=..., mended=None, data=None):
        if is_blank(illness):
            raise Blank
        self._check_name(illness)
        gan = self._make(mended)
        self.rule(gan, data)
        return rules.draws(gan, data) if np.ndim(data) > 2 else rules.arrives(gan, data)

    def _check_name(self, illness):
        if not isinstance(illness, str):
            self.wrong(f"the illness is one of the names on the list, as a string. Received: {illness!r}.")
        given = illness.strip().lower()
        if given == self.illness:
            return
        if given not in ILLNESSES:
            near = difflib.get_close_matches(given, ILLNESSES, n=1)
            self.wrong(f"{illness!r} is not on the list." + (f" Do you mean {near[0]!r}?" if near else ""))
        self.wrong(f"not {given!r}: {self.clues.get(given, self.nudge)}")

    def _make(self, mended):
        if not inspect.isclass(mended) or not issubclass(mended, keras.Model):
            self.wrong("the second answer is the class that you have mended, as in the cell: no object of it, no name.")
        for name, method in vars(mended).items():
            empty = inspect.isfunction(method) and {one.opname for one in dis.get_instructions(method)} <= _EMPTY
            if method is ... or empty:
                self.wrong(f"the name is right, it is {self.illness!r}. Now mend it: `{name}` is still to be written.")
        return mended()

    def solution(self):
        return f"{self.illness!r}\n{self.cure}"


_EMPTY = {"RESUME", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "NOP"}

patient_1 = Exercise(
    "Patient 1",
    Mend(
        "images_out_of_range",
        {
            "discriminator_saturated": "D's logits are no larger than the healthy one's: it is not sure. Which "
            "values has a real image here?",
            "noise_as_real": "the real images are real. But are they where G's images can be?",
            "collapsed": "fewer are distinct, but they are no copies of one another. What background do they try to "
            "reach?",
            None: "which values can a real image have here, and which can tanh make? Look at the first line of "
            "`batches`.",
        },
        rules.range_of_tanh,
        'images = pixels.astype("float32") / 127.5 - 1',
    ),
    right="Print minimum and maximum of a batch before you train on it.",
)

patient_2 = Exercise(
    "Patient 2",
    Mend(
        "generator_without_gradient",
        {
            "discriminator_saturated": "D wins, yes. But look at the instruments: against what kind of opponent?",
            "fixed_noise": "the latents are fresh in every step. Which player moves?",
            "optimizer_of_the_other": "these are G's weights. But what gradient do they get?",
            "discriminator_frozen": "D moves. Read the first two lines of the chart's table once more.",
            "learning_rates_apart": "the rates are equal. A move of exactly 0 is no small step: there is no gradient "
            "at all.",
            None: "one player's largest move is exactly 0. By which way would the loss have to reach its weights?",
        },
        rules.sound_generator_turn,
        "with tf.GradientTape() as tape:\n"
        "    loss = self.g_loss(self.logits(self.fakes(count)))  # made inside the tape",
    ),
    right="A loss whose gradient is None is an error that you should not silence.",
)

patient_3 = Exercise(
    "Patient 3",
    Mend(
        "swapped_labels",
        {
            "discriminator_saturated": "D is sure, but of what? Look at the *sign* of its logits on real images.",
            "generator_without_gradient": "G moves. And its loss is low: it wins. So does D. How can both win?",
            "target_above_one": "the targets are 0 and 1. Which is which?",
            None: "both losses are small, and D's own turn makes the margin *smaller*. What is it being taught?",
        },
        rules.labels,
        "return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))",
    ),
    right="Both losses falling to 0 is never a good sign: the players are opponents.",
)

patient_4 = Exercise(
    "Patient 4",
    Mend(
        "sigmoid_and_logits",
        {
            "discriminator_saturated": "D's mean logits are between 0 and 1. For a *logit*, is that sure?",
            "images_out_of_range": "the images are in [−1, 1] and so is tanh. What is D's range?",
            "learning_rates_apart": "the rates are equal. What is the largest *logit* that this D can output?",
            "swapped_labels": "the labels are right: real is above fake. How far above can it be?",
            None: "look at the range of D's mean logits in the chart. A logit is any real number.",
        },
        rules.ends_in_a_logit,
        'layers.Dense(1)  # the last layer of D, without activation="sigmoid"',
    ),
    right="The sigmoid is in the loss already: softplus(−t) = −log σ(t).",
)

patient_5 = Exercise(
    "Patient 5",
    Mend(
        "discriminator_frozen",
        {
            "generator_without_gradient": "G moves, and it wins. Which player does not?",
            "optimizer_of_the_other": "each optimizer has its own player. How many weights does D offer to its?",
            "collapsed": "the samples are alike, as they are if G has only to fool a D that never learns. Why does "
            "it not?",
            "learning_rates_apart": "the rates are equal. A move of exactly 0 is no small step.",
            None: "one player's largest move is exactly 0. Which line in `set_up` is about its weights?",
        },
        rules.d_moves,
        "self.compile(optimizer=None, **COMPILE)  # and no self.discriminator.trainable = False",
    ),
    right="G's turn does not move D anyway: the step is taken for G's weights alone. In Keras 2 the flag was needed, "
    "and meant something else.",
)

patient_6 = Exercise(
    "Patient 6",
    Mend(
        "optimizer_of_the_other",
        {
            "generator_without_gradient": "G's move is 0, as if so. But there is a gradient, and a step is taken. By "
            "whom?",
            "discriminator_frozen": "D moves; it even moves twice in a step.",
            "swapped_labels": "D's loss is right. But who else moves D, and which way?",
            "fixed_noise": "the latents are fresh. Which player's largest move is 0?",
            None: "G's largest move is exactly 0, yet g_optimizer takes a step. Whose weights does it step?",
        },
        rules.sound_generator_turn,
        "weights = self.generator.trainable_variables",
    ),
    right="Whether an optimizer holds the right weights can be asked: optimizer.variables.",
)

patient_7 = Exercise(
    "Patient 7",
    Mend(
        "noise_as_real",
        {
            "images_out_of_range": "the range is right. What is *in* the range?",
            "generator_without_gradient": "G moves, and does what it is asked for. What is it shown?",
            "collapsed": "the samples all look alike to the eye, but as noise does. What does the real data look like?",
            None: "the players are well. G learns to make what D is shown as real. Look at a batch of it.",
        },
        rules.real_images,
        'images = pixels.astype("float32") / 127.5 - 1',
    ),
    right="Always *look* at what D is shown, just before it is shown.",
)

patient_8 = Exercise(
    "Patient 8",
    Mend(
        "fixed_noise",
        {
            "collapsed": "it looks so on latents that G has never met. Which latents has it met?",
            "memorised": "G knows some latents by heart, rather than images. Which?",
            "same_batch": "the images are fresh in each step. What is not?",
            None: "the method has one line. What does an integer as `seed` mean to keras.random.normal?",
        },
        rules.fresh_latents,
        "return keras.random.normal((count, self.latent_dim), seed=self.random)",
    ),
    right="To be reproducible, fix where a source of randomness *starts*, not what it gives.",
)

patient_9 = Exercise(
    "Patient 9",
    Mend(
        "target_above_one",
        {
            "discriminator_saturated": "it is surer of real images than the healthy one, and G keeps up. What "
            "rewards it for being surer still?",
            "diverging": "nothing runs away yet. But what in the loss would never stop rewarding a surer D?",
            "sigmoid_and_logits": "D outputs logits, and the loss is told so. Look at the labels.",
            "swapped_labels": "real is about 1 and fake is 0. *About* 1?",
            None: "what is the smallest value that this loss can have? Try real logits of 10, 100, 1000.",
        },
        rules.sound_targets,
        "targets = 0.9 * ops.ones_like(real_logits)  # or random, but never above 1",
    ),
    right="The cross-entropy of a target y has a lowest point only for y in [0, 1].",
)

patient_10 = Exercise(
    "Patient 10",
    Mend(
        "not_in_training_mode",
        {
            "batchnorm_with_penalty": "BatchNormalization is in G, and there is no penalty.",
            "collapsed": "the samples differ. Which layers behave otherwise in training than in use?",
            None: "which layers of these networks behave otherwise in training than in use, and how do they learn "
            "which it is?",
        },
        rules.training_mode,
        "return self.generator(self.latents(count), training=True)  # and D the same way",
    ),
    right="Outside of Keras's own train_step nobody sets the mode for you.",
)

patient_11 = Exercise(
    "Patient 11",
    Mend(
        "cached_augmentation",
        {
            "same_batch": "a pass shuffles, so batches differ. Do the *images* differ, from pass to pass?",
            "memorised": "it may come to that: with how many different images is D trained?",
            "images_out_of_range": "the range is right.",
            None: "the shifts are drawn at random. How often is each image's drawn? Read the pipeline in order.",
        },
        rules.fresh_shifts,
        "data = tf.data.Dataset.from_tensor_slices(images).cache().map(shifted)",
    ),
    right="Cache what is always the same; after that, what is random.",
)

patient_12 = Exercise(
    "Patient 12",
    Mend(
        "logits_map",
        {
            "images_out_of_range": "the values are right. What else must real images and fakes have in common?",
            "discriminator_saturated": "D tells them apart with ease. By what, before it has looked at any stroke?",
            None: "count the logits that D outputs for one real image, and for one fake. The chart's table has both.",
        },
        rules.same_size,
        'layers.Dense(784, "tanh"), layers.Reshape((28, 28, 1))  # the end of G',
    ),
    right="With equal sizes a map of logits is allowed, each for a patch of the image; a D with a Dense layer would "
    "have refused other sizes at once.",
)

patient_13 = Exercise(
    "Patient 13",
    Mend(
        "leftover_optimizer",
        {
            "learning_rates_apart": "the players' rates are equal, and stay so. Which rate does the callback let fall?",
            "optimizer_of_the_other": "each player has its own. How many optimizers are there?",
            "last_batch_loss": "the curves are means. Is there something that should have changed them in the second "
            "half?",
            None: "the callback lets a learning rate fall, and both players go on as before. Whose rate is it?",
        },
        rules.both_schedules,
        "rate = keras.optimizers.schedules.ExponentialDecay(5e-4, 1500, 0.1)  # for each player's optimizer",
    ),
    right="A callback finds `model.optimizer`; make sure that it is one that steps.",
)

patient_14 = Exercise(
    "Patient 14",
    Mend(
        "last_batch_loss",
        {
            "diverging": "the curve jumps about, but around the same place as the healthy one. What is a point of it "
            "made of?",
            "learning_rates_apart": "the rates are equal, and the samples are as good as the healthy ones.",
            None: "the samples are as they should be; only the curves are not. What is one point of a curve made of?",
        },
        rules.means_of_an_epoch,
        "for name, value in values.items():\n"
        "    self.means[name].update_state(value)\n"
        "return {name: mean.result() for name, mean in self.means.items()}",
    ),
    right="`keras.metrics.Mean` adds up, and Keras resets it when an epoch begins.",
)

patient_15 = Exercise(
    "Patient 15",
    Mend(
        "penalty_without_epsilon",
        {
            "diverging": "not yet, its numbers are those of the healthy one. But when it does, by which operation?",
            "slack_penalty": "the penalty does its work, as long as it is a number.",
            "extrapolating_penalty": "α is uniform. Look at the line with the root.",
            None: "which operation in `lengths` has an infinite slope somewhere?",
        },
        rules.sound_penalty,
        "return ops.sqrt(ops.sum(gradients**2, axis=1) + 1e-12)",
    ),
    right="A penalty of NaN spreads to every weight in one step.",
)

patient_16 = Exercise(
    "Patient 16",
    Mend(
        "extrapolating_penalty",
        {
            "slack_penalty": "the slope is held, near 1. But *where* is it asked for?",
            "penalty_without_epsilon": "the ε is there.",
            None: "where does the penalty look at the slope? The instruments say how much of that is between real "
            "and fake.",
        },
        rules.sound_penalty,
        "alpha = keras.random.uniform((ops.shape(real_points)[0], 1), seed=self.random)",
    ),
    right="No curve tells of it: ask the penalty where it looks.",
)

patient_17 = Exercise(
    "Patient 17",
    Mend(
        "batchnorm_with_penalty",
        {
            "slack_penalty": "the slope is off, yes. Why does the penalty not see it?",
            "not_in_training_mode": "training=True is given. Is it good that the critic then looks at the whole batch?",
            None: "the output for a point should depend on that point alone. In which layer do the others come in?",
        },
        rules.each_point_alone,
        'critic = [keras.Input((2,)), dense(64, "relu"), dense(64, "relu"), layers.Dense(1)]',
    ),
    right="LayerNormalization, which looks at one point only, would have been allowed.",
)

patient_18 = Exercise(
    "Patient 18",
    Mend(
        "same_batch",
        {
            "fixed_noise": "the latents are fresh in each step. What is not?",
            "cached_augmentation": "nothing is augmented here. What does each of the critic's steps see?",
            "memorised": "it may come to that. What does each of the critic's five steps see?",
            None: "algorithm 1 draws real images n_critic times for one step of G. Count the batches that the critic "
            "sees.",
        },
        rules.fresh_batches,
        "for fresh_points in ops.split(real_points, self.critic_steps):\n"
        "    values = self.discriminator_turn(fresh_points)",
    ),
    right="`gl.GAN` steps D on every batch, and G on every `discriminator_steps`-th.",
)


#: The patients of the lesson, and what each of them has.
WARD = {f"Patient{number}": globals()[f"patient_{number}"].kind.illness for number in range(1, 19)}
