"""What the two-player games share, whatever else their networks see: latents, an objective, penalties.

Two mix-ins for subclasses of `AdversarialModel`. Each game's own `train_step` says in which order what is called.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from gan_lessons import _arguments, penalties


class FromLatents:
    """For models whose generator starts from a latent vector, z ~ N(0, I), of length `latent_dim`.

    A model whose latents have more parts (labels, codes) replaces what differs.
    """

    latent_dim: int

    def call(self, latents, training=False):
        """Returns the generator's images for latents, by the average of its weights if it has one.

        Args:
            latents: of the shape that `call_inputs` declares.
            training: whether the generator runs as in training, with the weights as they are.
        """
        (size,) = self.call_inputs.parts["latents"].shape
        if tuple(latents.shape[1:]) != (size,):
            raise ValueError(f"latents must have shape (batch, {size}). Received: shape {latents.shape}.")
        if training:
            return self.generator(latents, training=True)
        with self.average_of("generator"):
            return self.generator(latents, training=False)

    def draw_latents(self, count):
        """Latents for one batch of training, drawn from N(0, 1) by the model's own random numbers."""
        return keras.random.normal((count, self.latent_dim), seed=self.seed_generator)

    def sample_latents(self, count: int, seed: int | None = None) -> np.ndarray:
        """Draws latents from N(0, 1), without touching the random numbers of a training.

        Args:
            count: how many.
            seed: an integer for the same latents every time; None for others each time.

        Returns:
            A NumPy array of shape (count, latent_dim).
        """
        count = _arguments.integer("count", count)
        return ops.convert_to_numpy(keras.random.normal((count, self.latent_dim), dtype="float32", seed=seed))

    def given_latents(self, count, seed, latents) -> np.ndarray:
        """Returns the latents that `generate` is asked for: those given, or drawn ones.

        Args:
            count: how many, or None where latents are given.
            seed: for `sample_latents`.
            latents: an array of shape (count, latent_dim), or None.

        Raises:
            ValueError: if neither count nor latents is given, or the latents have another shape.
        """
        if latents is None:
            if count is None:
                raise ValueError("generate() needs a count or latents. Received: count=None, latents=None.")
            return self.sample_latents(count, seed)
        latents = np.asarray(latents, dtype="float32")
        if latents.ndim != 2 or latents.shape[1] != self.latent_dim or len(latents) == 0:
            raise ValueError(
                f"latents must have shape (count, {self.latent_dim}). Received: latents of shape {latents.shape}."
            )
        if count is not None and count != len(latents):
            raise ValueError(f"count must be the number of latents. Received: count={count}, {len(latents)} latents.")
        return latents

    def generate(
        self, count: int | None = None, seed: int | None = None, latents=None, batch_size: int = 256
    ) -> np.ndarray:
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
        return self.compute("generator", self.given_latents(count, seed, latents), batch_size)

    def measuring_inputs(self, name):
        """Returns 512 latents, always the same: the averaged generator's BatchNormalization is measured on them."""
        return ops.convert_to_tensor(self.sample_latents(512, seed=0)) if name == "generator" else None


class Game:
    """For models with an `objective`, a `penalty` on D and a `generator_penalty` on G."""

    def track_game(self):
        """Adds to the history what the objective and the penalties record."""
        self.track("d_loss", "g_loss", *getattr(self.objective, "log_names", ()))
        for name in ("penalty", "generator_penalty"):
            self.track([name] if penalties.checked(getattr(self, name, None), name) else [])

    def objective_log(self, real_logits, fake_logits):
        """What the objective records beside its losses: a dictionary for `log`."""
        return self.objective.log(real_logits, fake_logits) if hasattr(self.objective, "log") else {}

    def generator_objective(self, fake_logits, real, discriminate):
        """The objective's loss of G. D sees the real samples too where the objective compares both.

        Args:
            fake_logits: D's logits on generated samples.
            real: the real samples of the batch, in the structure that `discriminate` takes.
            discriminate: a function from samples to logits.
        """
        if getattr(self.objective, "generator_sees_real", False):
            return self.objective.generator_loss(fake_logits, discriminate(real))
        return self.objective.generator_loss(fake_logits)

    def penalise(self, name, discriminate, real, fake, training=True):
        """The sum of the penalties given as the argument `name`, recorded under that name; 0 without any."""
        found = penalties.checked(getattr(self, name), name)
        if not found:
            return 0.0
        total = 0.0
        for penalty in found:
            every = getattr(penalty, "every", 1) if training else 1
            if every == 1:
                total += penalty(discriminate, real, fake)
                continue
            # lazy: seldom, and then for all the batches in between
            due = ops.equal(self._counters.batches % every, 0)
            if self.jit_compile:  # XLA cannot differentiate such a condition in every network
                total += ops.where(due, every * penalty(discriminate, real, fake), 0.0)
            else:
                total += tf.cond(due, lambda: every * penalty(discriminate, real, fake), lambda: 0.0)  # noqa: B023
        self.log(**{name: total})
        return total
