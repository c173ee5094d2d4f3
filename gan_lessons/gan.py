"""The game: a generator against a discriminator.

`GAN.train_step` is the algorithm of Goodfellow et al. (arXiv:1406.2661) in Keras, to be read from top to bottom. What may
vary is handed in: the two networks, the objective that they play for, a penalty on the discriminator.
"""

import warnings

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from gan_lessons import objectives, validation
from gan_lessons.adversarial import AdversarialModel, after_reading


@keras.saving.register_keras_serializable("gan_lessons")
class GAN(AdversarialModel):
    """A generator G: z ↦ image, trained against a discriminator D: image ↦ logit.

    On each batch D takes a step down `objective.discriminator_loss`, plus the penalty; on every
    `discriminator_steps`-th batch G then takes a step down `objective.generator_loss`.

    Args:
        generator: a Keras model from latents of shape (batch, latent_dim) to images.
        discriminator: a Keras model from images to logits of shape (batch, 1), without a sigmoid at the end.
        latent_dim: the length of a latent vector; latents are drawn from N(0, 1).
        objective: "minimax", "non_saturating", "wasserstein", or an object with `discriminator_loss` and
            `generator_loss` (see `gan_lessons.objectives`).
        penalty: None, or an object called as `penalty(discriminate, real_images, fake_images)` (see
            `gan_lessons.penalties`), whose value is added to D's loss.
        discriminator_steps: how many steps D takes for one of G's (n_critic in WGAN); each sees a fresh batch.
        patch_logits: set it if D is meant to answer a map with one logit for each patch of the image (PatchGAN).
        share_fakes: whether both turns use the same fakes. The algorithm draws fresh ones for G's turn; with the same ones
            G runs forwards once a step, not twice, which makes a DCGAN's step on a CPU about a tenth shorter. Both are
            common (DCGAN's own code shares). Only with `discriminator_steps=1`.
        seed: an integer fixes the latents drawn while training. By default they follow `keras.utils.set_random_seed`.
        **kwargs: `name` and `dtype`, as for every `keras.Model`.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if the networks do not fit each other or cannot train.

    Example:
        >>> gan = GAN(mlp_generator((28, 28, 1)), mlp_discriminator((28, 28, 1)), latent_dim=100)
        >>> gan.compile(generator_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5),
        ...             discriminator_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5))
        >>> history = gan.fit(images, batch_size=64, epochs=20)
        >>> gan.generate(25, seed=0).shape
        (25, 28, 28, 1)

    The history has `d_loss` and `g_loss`, means over the epoch, what the objective adds (`d_real` and `d_fake`, D's mean
    answer on both kinds of images; `distance` for Wasserstein), and `penalty`.

    On several devices: build and compile within the scope of a strategy of TensorFlow's, `with strategy.scope():`. It is
    `tf.distribute.MirroredStrategy()` for the GPUs of one machine; for several machines it is
    `tf.distribute.MultiWorkerMirroredStrategy()`, in one process each with its `TF_CONFIG`, made before all else. A batch
    is shared out among them; the losses are those of the whole batch, and the training is that of one device, but for
    `BatchNormalization`, which sees its device's share alone. Each process saves, and backs up, under a name of its own.

    If the generator's optimizer keeps an average of the weights, `keras.optimizers.Adam(…, use_ema=True,
    ema_momentum=0.999)`, then `generate`, `predict` and `export` use the average, with BatchNormalization's statistics
    measured anew for it.

    Reference:
        Goodfellow et al., Generative Adversarial Nets, 2014, arXiv:1406.2661
    """

    player_names = ("generator", "discriminator")

    def __init__(
        self,
        generator,
        discriminator,
        latent_dim,
        objective="non_saturating",
        penalty=None,
        discriminator_steps=1,
        patch_logits=False,
        share_fakes=False,
        seed=None,
        **kwargs,
    ):
        image_shape = validation.check_players(generator, discriminator, latent_dim, patch_logits)
        if penalty is not None and not callable(penalty):
            raise TypeError(
                "penalty must be called as penalty(discriminate, real_images, fake_images). "
                f"Received: penalty={penalty!r}. Pass for example gan_lessons.penalties.GradientPenalty()."
            )
        if isinstance(discriminator_steps, bool) or not isinstance(discriminator_steps, (int, np.integer)):
            raise TypeError(f"discriminator_steps must be an integer. Received: {discriminator_steps=}.")
        if discriminator_steps < 1:
            raise ValueError(f"discriminator_steps must be at least 1. Received: {discriminator_steps=}.")
        if share_fakes and discriminator_steps > 1:
            raise ValueError(
                "Only players that take turns step by step can share fakes. "
                f"Received: share_fakes=True, {discriminator_steps=}. Leave share_fakes out: where D takes several steps "
                "for one of G's there is little to gain."
            )
        if sentence := validation.warn_about_batch_norm(discriminator, penalty):
            warnings.warn(sentence, stacklevel=2)

        super().__init__(**kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.latent_dim = int(latent_dim)
        self.objective = objectives.get(objective)
        self.penalty = penalty
        self.discriminator_steps = int(discriminator_steps)
        self.patch_logits = bool(patch_logits)
        self.share_fakes = bool(share_fakes)
        self.seed = seed
        self.image_shape = image_shape
        self._value_range = validation.output_range(generator, self.latent_dim)

        # Attributes of the model, so that Keras knows of them and their state can be saved.
        self._latent_seed = keras.random.SeedGenerator(seed)
        self._penalty_seed = getattr(penalty, "seed_generator", None)

        names = ["d_loss", "g_loss", *getattr(self.objective, "log_names", ()), *(["penalty"] if penalty else [])]
        self.track(names)

        self(ops.zeros((1, self.latent_dim)))  # built from here on: saving and exporting need it

    # --- the game --------------------------------------------------------------------------------------------------

    @after_reading
    def train_step(self, data):
        """One batch: D's turn and, on every `discriminator_steps`-th batch, G's."""
        real_images = _images(data)
        count = ops.shape(real_images)[0]

        # D's turn: raise the logits of real images, lower those of fresh fakes. The fakes are made outside D's tape:
        # nothing here is to flow back into G. What their own tape notes down is for G's turn, if it has the same fakes.
        with tf.GradientTape() as fakes_tape:
            fake_images = self.generator(self._draw_latents(count), training=True)
        with tf.GradientTape() as tape:
            real_logits = self._discriminate(real_images)
            fake_logits = self._discriminate(fake_images)
            d_loss = self.objective.discriminator_loss(real_logits, fake_logits)
            if self.penalty is not None:
                penalty = self.penalty(self._discriminate, real_images, fake_images)
                d_loss = d_loss + penalty
                self.log(penalty=penalty)
        self.descend("discriminator", d_loss, tape)
        self.log(d_loss=d_loss, **self._objective_log(real_logits, fake_logits))

        # G's turn: make fakes whose logits D raises. D is called inside the tape, but only G's weights move.
        def generators_turn(count):
            tape, fakes = fakes_tape, fake_images
            if not self.share_fakes:
                with tf.GradientTape() as tape:
                    fakes = self.generator(self._draw_latents(count), training=True)
            with tape:
                fake_logits = self._discriminate(fakes)
                g_loss = self.objective.generator_loss(fake_logits)
            self.descend("generator", g_loss, tape)
            self.log(g_loss=g_loss)

        # Whether G has a turn is decided once for all devices: in a condition on each, TensorFlow adds no gradients up.
        def if_it_is_due(strategy, count):
            due = self.discriminator_optimizer.iterations % self.discriminator_steps == 0
            tf.cond(due, lambda: strategy.run(generators_turn, args=(count,)), lambda: None)

        if self.discriminator_steps == 1:
            generators_turn(count)
        else:
            tf.distribute.get_replica_context().merge_call(if_it_is_due, args=(count,))
        return self.get_metrics_result()

    def test_step(self, data):
        """The same losses on one batch, with nothing learnt: what `evaluate` and `validation_data` report."""
        real_images = _images(data)
        fake_images = self.generator(self._draw_latents(ops.shape(real_images)[0]), training=False)

        def discriminate(images):
            return ops.cast(self.discriminator(images, training=False), keras.config.floatx())

        real_logits, fake_logits = discriminate(real_images), discriminate(fake_images)
        d_loss = self.objective.discriminator_loss(real_logits, fake_logits)
        if self.penalty is not None:
            penalty = self.penalty(discriminate, real_images, fake_images)
            d_loss = d_loss + penalty
            self.log(penalty=penalty)
        self.log(
            d_loss=d_loss,
            g_loss=self.objective.generator_loss(fake_logits),
            **self._objective_log(real_logits, fake_logits),
        )
        return self.get_metrics_result()

    def _discriminate(self, images):
        # Losses are computed in full precision, whatever the networks compute in.
        return ops.cast(self.discriminator(images, training=True), keras.config.floatx())

    def _draw_latents(self, count):
        return keras.random.normal((count, self.latent_dim), seed=self._latent_seed)

    def _objective_log(self, real_logits, fake_logits):
        return self.objective.log(real_logits, fake_logits) if hasattr(self.objective, "log") else {}

    # --- images from latents ---------------------------------------------------------------------------------------

    def call(self, latents, training=False):
        """The generator's images for latents of shape (batch, latent_dim)."""
        if tuple(latents.shape[1:]) != (self.latent_dim,):
            raise ValueError(f"latents must have shape (batch, {self.latent_dim}). Received: shape {latents.shape}.")
        return self.generator(latents, training=training)

    def sample_latents(self, count, seed=None):
        """Draws latents from N(0, 1).

        Args:
            count: how many.
            seed: an integer for the same latents every time; None for others each time.

        Returns:
            A NumPy array of shape (count, latent_dim).
        """
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
            raise ValueError(f"count must be a positive integer. Received: count={count!r}.")
        return ops.convert_to_numpy(keras.random.normal((int(count), self.latent_dim), dtype="float32", seed=seed))

    def generate(self, count=None, seed=None, latents=None, batch_size=256):
        """Makes images.

        Args:
            count: how many. Not needed with `latents`.
            seed: an integer for the same latents every time; None for others each time.
            latents: latents of your own, of shape (count, latent_dim), in place of drawn ones.
            batch_size: how many images are made at a time.

        Returns:
            A NumPy array of shape (count, height, width, channels), float32, in the generator's range.

        Raises:
            ValueError: if neither count nor latents is given, or the latents have another shape.
        """
        if latents is None:
            if count is None:
                raise ValueError("generate() needs a count or latents. Received: count=None, latents=None.")
            latents = self.sample_latents(count, seed)
        latents = np.asarray(latents, dtype="float32")
        if latents.ndim != 2 or latents.shape[1] != self.latent_dim or len(latents) == 0:
            raise ValueError(
                f"latents must have shape (count, {self.latent_dim}). Received: latents of shape {latents.shape}."
            )
        if count is not None and count != len(latents):
            raise ValueError(f"count must be the number of latents. Received: count={count}, {len(latents)} latents.")
        with self.averaged("generator"):
            batches = [
                ops.convert_to_numpy(ops.cast(self.generator(latents[start : start + batch_size]), "float32"))
                for start in range(0, len(latents), batch_size)
            ]
        return np.concatenate(batches)

    def settle(self, player):
        """Measures what BatchNormalization keeps, on 512 latents that are always the same.

        Its moving mean and variance were taken while the generator had its last weights. With averaged ones the layers'
        values are others, and normalised by the old numbers the images would be spoilt.
        """
        if player != "generator":
            return
        norms = [layer for layer in self.generator._flatten_layers() if isinstance(layer, layers.BatchNormalization)]
        if not norms:
            return
        momenta = [layer.momentum for layer in norms]
        try:
            for layer in norms:
                layer.momentum = 0.0  # all of what is kept is to come from this one batch
            self.generator(keras.random.normal((512, self.latent_dim), seed=0), training=True)
        finally:
            for layer, momentum in zip(norms, momenta):
                layer.momentum = momentum

    def predict(self, x, *args, **kwargs):
        """As `keras.Model.predict`, from latents of shape (count, latent_dim) to images."""
        with self.averaged("generator"):
            return super().predict(x, *args, **kwargs)

    def export(self, *args, **kwargs):
        """As `keras.Model.export`: an artefact for serving, which takes latents and answers images."""
        with self.averaged("generator"):
            return super().export(*args, **kwargs)

    # --- what Keras asks for ---------------------------------------------------------------------------------------

    def check_images(self, images, name):
        """Refuses images that do not go with this generator; see `gan_lessons.validation.guard`."""
        return validation.guard(images, self.image_shape, self._value_range, name)

    def get_config(self):
        config = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "objective": self.objective,
            "penalty": self.penalty,
        }
        config = {key: keras.saving.serialize_keras_object(value) for key, value in config.items()}
        return super().get_config() | config | {
            "latent_dim": self.latent_dim,
            "discriminator_steps": self.discriminator_steps,
            "patch_logits": self.patch_logits,
            "share_fakes": self.share_fakes,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        for key in ("generator", "discriminator", "objective", "penalty"):
            config[key] = keras.saving.deserialize_keras_object(config[key], custom_objects=custom_objects)
        return cls(**config)


def _images(data):
    """The images of a batch that may have labels beside them."""
    images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
    return ops.cast(images, keras.config.floatx())
