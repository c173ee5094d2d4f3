"""The game with codes: a part of the latent must be readable from the image."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from gan_lessons import _arguments, objectives, validation
from gan_lessons.batches import Batch, Part
from gan_lessons.models.adversarial import AdversarialModel
from gan_lessons.models.conditional import checked_labels, cross_entropy
from gan_lessons.models.game import FromLatents, Game


@keras.saving.register_keras_serializable("gan_lessons")
class InfoGAN(FromLatents, Game, AdversarialModel):
    """A GAN whose latent has codes, which a recogniser Q must read from the image. No label is used.

    The generator's input is [z, c]: noise z ~ N(0, I), and a code c of one category of K, one-hot, and of C numbers from
    U(−1, 1). Q is a second output of D's network: K logits and C estimates. Both players' losses have a further term,

        λ · E[−log Q(c | G(z, c))] = λ · (cross-entropy of the category + ½ Σ (c_j − Q_j)² of the numbers)

    which bounds the mutual information of code and image from below: I(c; G(z, c)) ≥ H(c) − E[−log Q(c | G(z, c))]. For the
    numbers Q is a normal distribution of variance 1; its constant is left out. Nothing says what the category comes to
    mean. In the paper's training on digits it became the digit, mostly.

    Args:
        generator: a Keras model from vectors of length latent_dim + categories + continuous to images.
        discriminator: a Keras model from images to [logits of shape (batch, 1), answers of shape (batch, categories +
            continuous)]: `gl.conditioning.with_head(discriminator, categories + continuous)`.
        latent_dim: the length of the noise z.
        categories: K, 0 for no category.
        continuous: C, the number of codes from U(−1, 1).
        weight: λ.
        objective, penalty, generator_penalty, discriminator_steps: as for `GAN`.
        seed: an integer fixes the latents drawn while training. By default they follow `keras.utils.set_random_seed`.
        **kwargs: `name` and `dtype`, as for every `keras.Model`.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if the networks do not fit each other, or there is no code at all.

    Example:
        >>> discriminator = gl.conditioning.with_head(gl.networks.mlp_discriminator((28, 28, 1)), 10 + 2)
        >>> generator = gl.networks.mlp_generator((28, 28, 1), latent_dim=62 + 10 + 2)
        >>> gan = InfoGAN(generator, discriminator, latent_dim=62, categories=10, continuous=2)
        >>> gan.compile(generator_optimizer=keras.optimizers.Adam(1e-3, 0.5),
        ...             discriminator_optimizer=keras.optimizers.Adam(2e-4, 0.5))
        >>> gan.fit(images, epochs=20)
        >>> gan.generate(5, seed=0, category=3, codes=[[c, 0] for c in np.linspace(-1, 1, 5)]).shape
        (5, 28, 28, 1)

    The history has what that of `GAN` has, and `code_loss`, the further term (without λ) in G's turn.

    Reference:
        Chen et al., InfoGAN: Interpretable Representation Learning by Information Maximizing Generative Adversarial Nets,
        2016, arXiv:1606.03657
    """

    player_names = ("generator", "discriminator")

    def __init__(
        self,
        generator,
        discriminator,
        latent_dim: int,
        *,
        categories: int = 10,
        continuous: int = 2,
        weight: float = 1.0,
        objective="non_saturating",
        penalty=None,
        generator_penalty=None,
        discriminator_steps: int = 1,
        seed: int | None = None,
        **kwargs,
    ):
        latent_dim = _arguments.integer("latent_dim", latent_dim)
        categories = _arguments.integer("categories", categories, least=0)
        continuous = _arguments.integer("continuous", continuous, least=0)
        if categories + continuous == 0:
            raise ValueError("An InfoGAN must have a code. Received: categories=0, continuous=0. Use gl.GAN.")
        size = categories + continuous
        images = validation.trial(
            "generator",
            generator,
            np.zeros((2, latent_dim + size), "float32"),
            "[latents, category, codes] as one vector",
        )
        outputs = validation.trial("discriminator", discriminator, images, "images")
        if not isinstance(outputs, (list, tuple)) or len(outputs) != 2 or tuple(outputs[1].shape) != (2, size):
            raise ValueError(
                "discriminator must have two outputs, a logit and categories + continuous answers about the code. "
                f"Received: {categories=}, {continuous=}, outputs of shapes "
                f"{[(None, *output.shape[1:]) for output in tf.nest.flatten(outputs)]}. "
                f"Make it with gan_lessons.conditioning.with_head(discriminator, {size})."
            )
        validation.check_logits(outputs[0], 2)

        super().__init__(seed=seed, **kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.latent_dim = latent_dim
        self.categories = categories
        self.continuous = continuous
        self.weight = _arguments.positive("weight", weight, "Without the term, use gl.GAN.")
        self.objective = objectives.get(objective)
        self.penalty = penalty
        self.generator_penalty = generator_penalty
        self.discriminator_steps = _arguments.integer("discriminator_steps", discriminator_steps)

        value_range = validation.RANGES.get(validation.last_activation(generator))
        pictures = Part(tuple(images.shape[1:]), value_range, reach="the generator's last activation can reach")
        self.batch = Batch({"images": pictures})
        self.call_inputs = Batch({"latents": Part((latent_dim + size,))})
        self.track_game()
        self.track("code_loss")

    # --- the game ----------------------------------------------------------------------------------------------------

    def train_step(self, data):
        """One batch: D's turn, in which Q learns too, and, on every `discriminator_steps`-th batch, G's."""
        images = self.read(data)
        latents = self.draw_latents(ops.shape(images)[0])
        fakes = self.generator(latents, training=True)
        with tf.GradientTape() as tape:
            d_loss = self.discriminators_loss(images, fakes, latents)
        self.log(d_loss=self.descend("discriminator", d_loss, tape))
        self.every(self.discriminator_steps, self.generators_turn, images)

    def generators_turn(self, images):
        """One step of G."""
        latents = self.draw_latents(ops.shape(images)[0])
        with tf.GradientTape() as tape:
            fakes = self.generator(latents, training=True)
            g_loss = self.generators_loss(images, fakes, latents)
        self.log(g_loss=self.descend("generator", g_loss, tape))

    def discriminators_loss(self, images, fakes, latents, training=True):
        """Computes what D and Q descend: the objective's loss, penalties, and λ times the loss of the fakes' codes."""
        discriminate = lambda samples: self.judge(samples, training)[0]  # noqa: E731
        real_logits = discriminate(images)
        fake_logits, answers = self.judge(fakes, training)
        self.log(**self.objective_log(real_logits, fake_logits))
        loss = self.objective.discriminator_loss(real_logits, fake_logits)
        loss = loss + self.penalise("penalty", discriminate, images, fakes, training)
        return loss + self.weight * self.code_loss(latents, answers)

    def generators_loss(self, images, fakes, latents, training=True):
        """Computes what G descends: the objective's loss of its fakes, penalties, and λ times that of their codes."""
        discriminate = lambda samples: self.judge(samples, training)[0]  # noqa: E731
        fake_logits, answers = self.judge(fakes, training)
        loss = self.generator_objective(fake_logits, images, discriminate)
        loss = loss + self.penalise("generator_penalty", discriminate, images, fakes, training)
        code_loss = self.code_loss(latents, answers)
        self.log(code_loss=code_loss)
        return loss + self.weight * code_loss

    def code_loss(self, latents, answers):
        """Computes E[−log Q(c | image)] without constants: cross-entropy of the category, half the squared errors of the rest.

        Args:
            latents: [z, c], of shape (batch, latent_dim + categories + continuous).
            answers: Q's outputs, of shape (batch, categories + continuous).
        """
        category, codes = (
            latents[:, self.latent_dim :][:, : self.categories],
            latents[:, self.latent_dim + self.categories :],
        )
        loss = ops.mean(ops.sum(ops.square(codes - answers[:, self.categories :]), axis=-1)) / 2
        if self.categories:
            loss = loss + cross_entropy(ops.argmax(category, axis=-1), answers[:, : self.categories])
        return loss

    def judge(self, images, training=True):
        """(D's logits, Q's answers) in full precision."""
        return [ops.cast(output, keras.config.floatx()) for output in self.discriminator(images, training=training)]

    def test_step(self, data):
        """The same losses on one batch, with nothing learnt."""
        images = self.read(data)
        latents = self.draw_latents(ops.shape(images)[0])
        fakes = self.generator(latents, training=False)
        d_loss = self.discriminators_loss(images, fakes, latents, training=False)
        g_loss = self.generators_loss(images, fakes, latents, training=False)
        self.log(
            d_loss=d_loss + self.layer_losses("discriminator"),
            g_loss=g_loss + self.layer_losses("generator"),
        )

    # --- latents with codes ------------------------------------------------------------------------------------------

    def draw_latents(self, count):
        """[z, c] for one batch of training, drawn by the model's own random numbers."""
        draw = {"seed": self.seed_generator}
        parts = [keras.random.normal((count, self.latent_dim), **draw)]
        if self.categories:
            parts.append(ops.one_hot(keras.random.randint((count,), 0, self.categories, **draw), self.categories))
        if self.continuous:
            parts.append(keras.random.uniform((count, self.continuous), -1.0, 1.0, **draw))
        return ops.concatenate(parts, axis=-1)

    def sample_latents(self, count: int, seed: int | None = None, category=None, codes=None) -> np.ndarray:
        """Draws [z, c] without touching the random numbers of a training.

        Args:
            count: how many.
            seed: an integer for the same latents every time; None for others each time.
            category: one category for all, or one for each. By default 0, 1, …, K − 1, and again from 0.
            codes: one row of `continuous` numbers for all, or one for each. By default from U(−1, 1).

        Returns:
            A NumPy array of shape (count, latent_dim + categories + continuous).

        Raises:
            TypeError, ValueError: if the codes do not fit.
        """
        noise = super().sample_latents(count, seed)
        rng = np.random.default_rng(None if seed is None else [seed, 1])
        given = np.arange(count) % max(self.categories, 1) if category is None else np.asarray(category)
        if category is not None and not self.categories:
            raise ValueError(f"This InfoGAN has no category. Received: category={category!r}.")
        if given.ndim == 0:
            given = np.full(count, given)
        drawn = rng.uniform(-1, 1, (count, self.continuous)) if codes is None else np.asarray(codes, "float32")
        if drawn.shape not in ((self.continuous,), (count, self.continuous)) or len(given) != count:
            raise ValueError(
                f"category must be one or {count} integers, codes one or {count} rows of {self.continuous} numbers. "
                f"Received: {len(given)} categories, codes of shape {drawn.shape}."
            )
        one_hot = np.eye(self.categories)[checked_labels(given, self.categories)] if self.categories else noise[:, :0]
        return np.concatenate([noise, one_hot, np.broadcast_to(drawn, (count, self.continuous))], 1).astype("float32")

    # --- images ------------------------------------------------------------------------------------------------------

    def generate(
        self, count: int, seed: int | None = None, category=None, codes=None, batch_size: int = 256
    ) -> np.ndarray:
        """Makes images, of the codes asked for.

        Args:
            count: how many.
            seed, category, codes: as for `sample_latents`.
            batch_size: how many images are made at a time.

        Returns:
            A NumPy array of shape (count, height, width, channels), float32, in the generator's range.
        """
        return self.compute("generator", self.sample_latents(count, seed, category, codes), batch_size)

    def recognise(self, images, batch_size: int = 256):
        """Returns what Q reads from images.

        Args:
            images: an array of shape (count, height, width, channels), in the generator's range.
            batch_size: how many images are read at a time.

        Returns:
            (probabilities of the categories, (count, categories); estimates of the other codes, (count, continuous)).
        """
        answers = self.compute("discriminator", np.asarray(images, "float32"), batch_size)[1]
        logits = answers[:, : self.categories]
        odds = np.exp(logits - logits.max(axis=1, keepdims=True)) if self.categories else logits
        return odds / odds.sum(axis=1, keepdims=True), answers[:, self.categories :]
