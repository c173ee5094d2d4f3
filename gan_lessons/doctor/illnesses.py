"""Names what can be wrong with a GAN, in words: each illness with its likely cause and a remedy.

`gan_lessons.doctor.symptoms` recognises them.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a GAN.

    Attributes:
        name: the illness, one of `ILLNESSES`.
        title: what is wrong, a short sentence.
        evidence: what was seen, with its numbers.
        numbers: the same numbers, {what: float}.
        cause: the likely cause.
        remedy: what to try, with the line to change.
    """

    name: str
    title: str
    evidence: str
    numbers: dict = field(default_factory=dict)
    cause: str = ""
    remedy: str = ""

    def __str__(self):
        return (
            f"{self.name}: {self.title}\n"
            f"    Evidence: {self.evidence}\n"
            f"    Likely cause: {self.cause}\n"
            f"    Try: {self.remedy}"
        )


def finding(name: str, evidence: str, **numbers) -> Finding:
    """Returns a `Finding` with the words that go with its name.

    Args:
        name: one of `ILLNESSES`.
        evidence: what was seen, a sentence with its numbers.
        **numbers: these numbers.

    Raises:
        KeyError: for an unknown illness.
    """
    _, title, cause, remedy = _WORDS[name]
    return Finding(name, title, evidence, {key: float(value) for key, value in numbers.items()}, cause, remedy)


# name: (line for the list, title, likely cause, what to try)
_WORDS = {
    "images_out_of_range": (
        "real images do not lie in the generator's range, or are constant or not finite",
        "The real images are not what the generator can make.",
        "Pixels were left in 0 … 255, or scaled to [0, 1] for a generator that ends in tanh (or to [-1, 1] for a "
        "sigmoid). D recognises such images by their brightness alone.",
        "Scale the images when you load them: images / 127.5 - 1 for tanh, images / 255 for a sigmoid.",
    ),
    "logits_map": (
        "D outputs maps of different sizes for real and generated images of different sizes",
        "Real and generated images have different sizes, and D outputs maps of different sizes.",
        "D is fully convolutional, so nothing raises an error: it outputs more numbers for the larger images, and the "
        "mean in the loss hides it. D can tell the two kinds apart by their size.",
        "Give the generator the images' size, or resize the images. End D in Flatten and Dense(1), which refuses "
        "images of another size.",
    ),
    "generator_without_gradient": (
        "no gradient arrives at the generator, so its weights do not move",
        "The generator does not learn: no gradient arrives at its weights.",
        "The generator's loss is computed on images that are cut off from it: tf.stop_gradient, .numpy(), "
        "predict(), or images made outside the tape. Or nothing steps its optimizer.",
        "In the generator's turn make new images inside `with tf.GradientTape()`, call D on them there, and apply "
        "tape.gradient(g_loss, generator.trainable_variables).",
    ),
    "discriminator_frozen": (
        "the discriminator's weights do not move",
        "The discriminator does not learn: its weights do not move.",
        "discriminator.trainable = False was set; in Keras 3 it also holds in the discriminator's own turn. Or its "
        "optimizer is never applied, or has a learning rate of 0.",
        "Leave `trainable` alone: give each optimizer the trainable_variables of its own player only.",
    ),
    "swapped_labels": (
        "D's loss and G's loss disagree on which label means real",
        "The labels are swapped in one of the losses.",
        "Ones and zeros were exchanged in the discriminator's or in the generator's loss, or a sign in a "
        "Wasserstein loss.",
        "Fix one convention, real 1 and generated 0: D's loss takes ones for D(real) and zeros for D(generated), G's "
        "loss takes ones for D(generated). For Wasserstein: d_loss = mean(fake) - mean(real), g_loss = -mean(fake).",
    ),
    "noise_as_real": (
        "what D is shown as real is noise",
        "What the discriminator is shown as real is noise.",
        "A random tensor was passed as the real batch (a placeholder that stayed, or exchanged arguments). The losses "
        "look healthy all the same: the generator learns to make noise.",
        "Look at what you pass: gl.plotting.show_images(batch). Pass the images of the data set to D.",
    ),
    "fixed_noise": (
        "the same latents in every training step",
        "The generator is trained on the same latents in every step.",
        "The noise is sampled only once: outside train_step, with a fixed integer seed, or by NumPy inside it, which "
        "runs only once, when TensorFlow traces the step.",
        "Sample it in the step: keras.random.normal((batch, latent_dim), seed=self.seed_generator), with a "
        "keras.random.SeedGenerator made in __init__.",
    ),
    "sigmoid_and_logits": (
        "D ends in a sigmoid, and the loss applies another",
        "The discriminator ends in a sigmoid, and the loss applies a second one.",
        "activation='sigmoid' at the end of D together with a loss on logits: the loss sees probabilities of at most "
        "σ(1) = 0.73 and at least σ(0) = 0.5, and gradients are a quarter of their size or less. (Keras's own "
        "BinaryCrossentropy(from_logits=True) takes the logits before the sigmoid and warns; other losses do not.)",
        "End D in Dense(1) without activation and keep from_logits=True.",
    ),
    "not_in_training_mode": (
        "players are called without training=True",
        "A player is trained without training=True.",
        "In a train_step of your own a call without training=True is inference: Dropout does nothing, and "
        "BatchNormalization uses its moving statistics, which never move.",
        "Call the players as self.generator(z, training=True) and self.discriminator(x, training=True) in train_step.",
    ),
    "target_above_one": (
        "a label above 1 or below 0: the loss has no lower bound",
        "A target lies above 1 (or below 0): the loss has no minimum.",
        "Random noise was added to labels that already were 1 (or subtracted from 0). Cross-entropy with such a target "
        "falls without end as the logit grows.",
        "Smooth to one side only, inwards: labels of real images 1 - 0.1 * uniform, of generated images 0.",
    ),
    "extrapolating_penalty": (
        "the gradient penalty looks at points that do not lie between real and generated images",
        "The gradient penalty looks outside the lines between real and generated images.",
        "α is sampled from a normal distribution, or from a range larger than [0, 1]: x̂ = αx + (1 - α)G(z) is then "
        "an extrapolation.",
        "alpha = keras.random.uniform((batch, 1, 1, 1)).",
    ),
    "penalty_without_epsilon": (
        "the square root in the penalty has no ε: NaN where the slope is 0",
        "The penalty's gradient is NaN where the slope is 0.",
        "The derivative of √s at s = 0 is infinite; times the 0 of the square it is NaN. A single image that the "
        "critic ignores makes every weight NaN.",
        "norms = ops.sqrt(ops.sum(ops.square(gradients), axis=(1, 2, 3)) + 1e-12).",
    ),
    "same_batch": (
        "all of the critic's steps in one training step see the same real batch",
        "The critic takes several steps on the same real batch.",
        "The loop over critic steps is inside train_step and uses the one batch that train_step was given. The "
        "algorithm samples a new batch for each step; on one batch the critic over-fits.",
        "Take one critic step on every batch, and the generator's turn on every k-th: gl.GAN(discriminator_steps=5) "
        "does that. Or give train_step k batches at once and use a part in each turn.",
    ),
    "batchnorm_with_penalty": (
        "BatchNormalization in a critic with a penalty on each image's gradient",
        "BatchNormalization in the critic makes the penalty depend on the whole batch.",
        "Through the batch's mean and variance the output for one image depends on the others, and so does the "
        "gradient that the penalty restricts.",
        "Leave BatchNormalization out of the critic (gl.networks.dcgan_critic), or use LayerNormalization.",
    ),
    "mixed_batch": (
        "real and generated images go through D's BatchNormalization as one batch",
        "D's BatchNormalization sees real and generated images as one batch.",
        "The two were concatenated for one call of D. So D learns to tell them apart while both are normalised by "
        "their common mean and variance. In the generator's turn D sees generated images alone, normalised by their "
        "own: it is another function than the one that has learnt.",
        "Call D twice in its turn, once on real and once on generated images, and add the two losses; or leave "
        "BatchNormalization out of D.",
    ),
    "cached_augmentation": (
        "cache() after random augmentation: each epoch sees the same variants",
        "The augmentation is cached: every epoch sees the same “random” images.",
        ".cache() comes after the .map(...) that augments, and keeps what the first epoch made.",
        "dataset.cache().map(augment): cache first, augment after.",
    ),
    "optimizer_of_the_other": (
        "a player's optimizer holds or is given the other player's variables",
        "A player's optimizer holds the other player's weights.",
        "The two optimizers, or the two lists of variables, were exchanged.",
        "generator_optimizer.apply(gradients, generator.trainable_variables), and the same for the discriminator.",
    ),
    "leftover_optimizer": (
        "model.optimizer exists but steps nothing, and callbacks look at it",
        "model.optimizer steps nothing.",
        "compile() was called without optimizer=None, and Keras made a default optimizer (rmsprop). Learning-rate "
        "schedules and callbacks look at model.optimizer, so they do nothing.",
        "super().compile(optimizer=None); for schedules give keras.optimizers.schedules to the players' optimizers.",
    ),
    "last_batch_loss": (
        "the loss of the last batch is reported as the epoch's",
        "The history has the last batch's losses, not the epoch's.",
        "train_step returns plain tensors. Keras logs what the last step of an epoch returned, so curves are noisy.",
        "Make keras.metrics.Mean trackers in __init__, update_state in train_step, return their result(), and list "
        "them in `metrics`.",
    ),
    "discriminator_saturated": (
        "D(x) ≈ 1 and D(G(z)) ≈ 0 for all images",
        "The discriminator is sure of every image.",
        "D has become too strong for G: D learns faster, or the data differ from what G can make in some trivial "
        "way. Then the gradient that D passes to G is poor, and with the minimax loss it vanishes.",
        "First make sure that images and generator have one range. Then: the non-saturating loss, a smaller learning "
        "rate or Dropout for D, one-sided label smoothing, or a Wasserstein objective with gradient penalty.",
    ),
    "collapsed": (
        "few distinct samples, compared with the variety of the data",
        "The generator makes only few distinct images.",
        "Mode collapse: the generator has found images that D accepts, and makes no others.",
        "Smaller learning rates with beta_1 = 0.5, new latents in each step, or an objective that collapses less: "
        "objective='wasserstein' with gl.penalties.GradientPenalty() and five critic steps.",
    ),
    "diverging": (
        "NaN, infinite or growing weights or losses",
        "The training diverges.",
        "A learning rate too large, an unrestricted critic (Wasserstein without clipping or penalty), or a NaN from a "
        "logarithm, a square root or an image.",
        "Go back to the last good weights; divide the learning rates by 10; give a Wasserstein critic its penalty. "
        "keras.callbacks.TerminateOnNaN() stops at the first NaN.",
    ),
    "slack_penalty": (
        "the critic's slopes are far from the penalty's target",
        "The gradient penalty does not restrict the critic's slope.",
        "Its weight is too small, or the penalty is computed outside the tape of D's loss and has no gradient.",
        "Compute the penalty inside the tape whose gradient D descends; use a weight of 10, as in the paper.",
    ),
    "learning_rates_apart": (
        "the players' learning rates are apart by orders of magnitude",
        "The players' learning rates are apart by orders of magnitude.",
        "A typing error (2e-4 and 2e-2), or a schedule that reached only one of the two.",
        "Begin with the same rate for both, 2e-4 with beta_1 = 0.5; two time scales differ by a factor of 2 to 5.",
    ),
    "memorised": (
        "samples are copies of training images",
        "The generator copies training images.",
        "Too few images for the size of the networks, or too long a training on them.",
        "More images or augmentation (of real and generated images alike), a smaller discriminator, or less training.",
    ),
}

#: All illnesses in the order in which they are looked for: {name: one line}.
ILLNESSES = {name: words[0] for name, words in _WORDS.items()}
