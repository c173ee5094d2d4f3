"""Looks at a GAN from outside while it is trained, cheaply, and never ends the training.

`gl.callbacks.Doctor` is this as a callback. The looks themselves are in `gan_lessons.doctor.signs`.
"""

import keras
import numpy as np
import tensorflow as tf

from gan_lessons import _watched
from gan_lessons.doctor import signs
from gan_lessons.doctor.diagnosis import Diagnosis, leaving_out, without_empty_means
from gan_lessons.doctor.probing import rows_of

#: A look compares this many samples with as many real images: the work of about one training step of batch 64.
COMPARED = 64


class Watch:
    """Records the curves of a training, and looks at the model between epochs.

    It raises nothing once it is made: `left_out` names what could not be looked at. It leaves the training as it is
    without it, bit for bit.

    Args:
        model: a `keras.Model` with a `generator` and a `discriminator`.
        images: real images in the generator's range, to tell collapse from data of little variety; or None.
        seed: an integer that fixes the latents.

    Attributes:
        findings: what has been found so far, a list of `Finding`; each illness once.
        left_out: what could not be looked at, and why, a list of phrases.
        epochs: how many epochs have been recorded.

    Example:
        >>> watch = Watch(gan, images)
        >>> watch.record({"d_loss": 0.6, "g_loss": 0.8})
        >>> watch.look()
        []
    """

    def __init__(self, model: keras.Model, images: np.ndarray | None = None, seed: int = 0):
        self.model = model
        self.images = images
        self.seed = seed
        self.findings, self.left_out, self.epochs = [], [], 0
        self._curves, self._before = {}, None
        with leaving_out("which weights move", self.left_out):
            self._before = signs.fingerprint(model)
        self._first = self._last_look = self._steps()

    @property
    def steps_since_look(self) -> int:
        """How many training steps there were since the last look, or since the beginning."""
        return self._steps() - self._last_look

    @property
    def is_finite(self) -> bool:
        """Whether every number of every curve is finite; the mean of an epoch without a turn does not count."""
        return all(np.isfinite(values).all() for values in self._whole_curves().values())

    @property
    def diagnosis(self) -> Diagnosis:
        """What has been found so far."""
        return Diagnosis(list(self.findings), f"Looked on for {self.epochs} epochs.", list(self.left_out))

    def record(self, logs: dict | None) -> None:
        """Records an epoch's numbers in the curves. Args: what Keras gives to `on_epoch_end`."""
        self.epochs += 1
        for name, value in (logs or {}).items():
            with leaving_out(f"the curve {name}", self.left_out):
                self._curves.setdefault(name, []).append(float(value))
        self._curves = {name: values for name, values in self._curves.items() if values}

    def _whole_curves(self):
        return without_empty_means(self.model, self._curves)

    def look(self) -> list:
        """Looks at curves, weights, optimizers and samples. Returns: the new findings, a list of `Finding`."""
        self._last_look = self._steps()
        known = {one.name for one in self.findings}
        found = {one.name: one for one in self._seen() if one is not None and one.name not in known}
        self.findings += found.values()
        return list(found.values())

    def _seen(self):
        gan, steps = self.model, self._last_look - self._first
        for what, sign in (
            ("the weights", lambda: signs.weights_not_finite(gan) or signs.weights_grown(gan)),
            ("the curves", lambda: signs.losses_diverging(self._whole_curves())),
        ):
            if found := self._looked(what, sign):  # the rest follows from it
                return [found]
        return [
            self._before
            and self._looked("which weights move", lambda: signs.weights_at_rest(gan, self._before, steps)),
            self._before and self._looked("model.optimizer", lambda: signs.optimizer_at_rest(gan, self._before, steps)),
            self._looked("the learning rates", lambda: signs.rates_of_players_apart(gan)),
            self._looked("D's outputs", lambda: signs.sure_of_all(self._curves)),
            self._looked("samples", lambda: self._look_at_samples(steps)),
        ]

    def _looked(self, what, sign):
        with leaving_out(what, self.left_out):
            return sign()

    def _look_at_samples(self, steps):
        if steps < 200 or self._last_look < signs.FIRST_STEPS:
            return None
        samples = rows_of(self._samples())
        if not np.isfinite(samples).all():
            return None
        if self.images is None:
            return signs.one_image(samples)
        images = rows_of(self.images)
        if images.shape[1] != samples.shape[1] or len(images) < 32:
            return None
        return signs.few_distinct(samples[: len(images)], images[: len(samples)])

    def _samples(self):
        """Returns what the generator makes of the fixed latents with its present weights, or what the model generates.

        A conditional generator takes more than latents; then the model's own `generate(count, seed=…)` knows what.
        """
        gan, error = self.model, None
        if isinstance(latent_dim := getattr(gan, "latent_dim", None), int):
            try:
                latents = keras.random.normal((COMPARED, latent_dim), seed=self.seed)
                return tf.nest.flatten(gan.generator(latents, training=False))[0]
            except Exception as raised:
                error = raised
        if callable(getattr(gan, "generate", None)):
            return gan.generate(COMPARED, seed=self.seed)
        raise error or AttributeError("the model has neither latent_dim nor generate(count, seed=…)")

    def _steps(self):
        with leaving_out("the number of steps", self.left_out):
            return _watched.batches_trained(self.model) or 0
        return 0
