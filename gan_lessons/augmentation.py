"""What stands between images and the discriminator while it trains: noise, moves, colours.

An augmentation is called on every batch that D sees in training, real and generated alike, so G need not imitate it:

    gan = GAN(…, augment=DiffAugment())                        # for little data
    gan = GAN(…, augment=[InstanceNoise(0.2, steps=5_000)])    # a list: one after another

G's gradient passes through it, and so does the slope that a penalty takes, which stays the slope at the images
themselves. Nothing is augmented in `evaluate` or `generate`.
"""

from collections.abc import Sequence

import keras
from keras import ops

from gan_lessons import _arguments


class Augmentation:
    """What augmentations share.

    A subclass defines `__call__(images)` from operations with a gradient. It may keep variables and
    `keras.random.SeedGenerator`s as attributes: the model saves them, and a resumed training goes on with them.
    """

    #: The names of what `log` returns. They become entries of the training history.
    log_names = ()

    def __call__(self, images):
        """The images as D is to see them. Args, Returns: a tensor of shape (batch, …)."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(images).")

    def adapt(self, real_logits):
        """Called once in each of D's turns, after it. Args: D's logits on the batch's real images, augmented."""

    def log(self):
        """Scalars for the training history: a dictionary with the keys `log_names`."""
        return {}

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable("gan_lessons")
class InstanceNoise(Augmentation):
    """Adds Gaussian noise that fades: x + σ_t·n, n ~ N(0, 1), σ_t = stddev·max(0, 1 − t/steps) in D's t-th turn.

    Real and generated images that lie on thin sets never overlap, and a D that parts them tells G nothing. With noise
    on both they overlap from the start; as the noise fades, D looks at finer and finer differences. The history has
    `noise`, σ_t.

    Args:
        stddev: σ_0, in the units of a pixel.
        steps: after how many turns of D it is gone.
        seed: an integer fixes the draws. By default they follow `keras.utils.set_random_seed`.

    Raises:
        TypeError, ValueError: for a size that is not positive, or steps that are no positive integer.

    Example:
        >>> gan = GAN(…, augment=InstanceNoise(0.2, steps=5_000))

    Reference:
        Sønderby et al., Amortised MAP Inference for Image Super-resolution, 2016, arXiv:1610.04490;
        Arjovsky and Bottou, 2017, arXiv:1701.04862
    """

    log_names = ("noise",)

    def __init__(self, stddev: float = 0.1, steps: int = 10_000, seed: int | None = None):
        self.stddev = _arguments.positive("stddev", stddev)
        self.steps = _arguments.integer("steps", steps)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.turns = _variable("turns", aggregation="only_first_replica")

    def size(self):
        """σ_t, a scalar."""
        return self.stddev * ops.maximum(0.0, 1.0 - ops.convert_to_tensor(self.turns) / self.steps)

    def __call__(self, images):
        """The images with noise. Args, Returns: as `Augmentation.__call__`."""
        noise = keras.random.normal(ops.shape(images), dtype="float32", seed=self.seed_generator)
        return images + ops.cast(self.size() * noise, images.dtype)

    def adapt(self, real_logits):
        """Counts D's turns."""
        self.turns.assign_add(1.0)

    def log(self):
        return {"noise": self.size()}

    def get_config(self):
        return {"stddev": self.stddev, "steps": self.steps, "seed": self.seed}


@keras.saving.register_keras_serializable("gan_lessons")
class DiffAugment(Augmentation):
    """Moves, recolours and covers images at random, by operations with a gradient.

    With few images D learns them by heart. Augmenting the data alone would teach G to make augmented images; with the
    same kind of augmentation on real and on generated images, and G's gradient through it, G learns the plain ones.

    The operations, each on every image with another draw:

    - "colour": brightness + U(−½, ½), saturation · U(0, 2), contrast · U(½, 3/2);
    - "translation": by up to an eighth of the sides, with 0 moving in;
    - "cutout": a rectangle of half the sides becomes 0.

    Args:
        policy: names of operations, in their order.
        probability: how often an operation is done to an image.
        seed: an integer fixes the draws. By default they follow `keras.utils.set_random_seed`.

    Raises:
        ValueError: for an unknown operation, a probability outside (0, 1], or, in the call, what is no batch of images.

    Example:
        >>> gan = GAN(…, augment=DiffAugment(("translation", "cutout")))

    Reference:
        Zhao et al., Differentiable Augmentation for Data-Efficient GAN Training, 2020, arXiv:2006.10738
    """

    def __init__(
        self,
        policy: Sequence[str] = ("colour", "translation", "cutout"),
        probability: float = 1.0,
        seed: int | None = None,
    ):
        self.policy = (policy,) if isinstance(policy, str) else tuple(policy)
        if not self.policy or not set(self.policy) <= set(_OPERATIONS):
            raise ValueError(f"policy must be a list of {', '.join(map(repr, _OPERATIONS))}. Received: {policy=}.")
        self.probability = _arguments.positive("probability", probability, "For none, pass augment=None to the GAN.")
        if self.probability > 1:
            raise ValueError(f"probability must be at most 1. Received: {probability=}.")
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def __call__(self, images):
        """The images, augmented. Args, Returns: as `Augmentation.__call__`, (batch, height, width, channels)."""
        if len(images.shape) != 4:
            raise ValueError(
                "DiffAugment takes images of shape (batch, height, width, channels). "
                f"Received: images of shape {tuple(images.shape)}. For other samples there is InstanceNoise."
            )
        for name in self.policy:
            done = self._draw(images) < ops.convert_to_tensor(self.probability)
            images = _OPERATIONS[name](images, ops.cast(done, images.dtype), self._draw)
        return images

    def _draw(self, images):
        """Numbers from U[0, 1), one an image, of shape (batch, 1, 1, 1)."""
        return keras.random.uniform((ops.shape(images)[0], 1, 1, 1), dtype="float32", seed=self.seed_generator)

    def get_config(self):
        return {"policy": list(self.policy), "probability": self.probability, "seed": self.seed}


@keras.saving.register_keras_serializable("gan_lessons")
class AdaptiveAugment(DiffAugment):
    """Augments as `DiffAugment` does, as often as D needs it: not at all while D does not know its images by heart.

    r = E[sign D(x)] over a batch of real images is near 0 for a D that is not sure of them, and 1 for one that knows
    each. In each of D's turns the probability p rises by batch/images where r is above `target`, and falls by it where r
    is below, within [0, 1]. It begins at 0; the history has it as `augment_p`. It is meant for objectives whose D parts
    the two kinds at 0: cross-entropy, hinge.

    Args:
        policy, seed: as for `DiffAugment`.
        target: the r that is aimed at.
        images: how many images D sees while p can go from 0 to 1.

    Raises:
        TypeError, ValueError: as for `DiffAugment`; for a target outside (0, 1), or images that are no positive integer.

    Example:
        >>> gan = GAN(…, augment=AdaptiveAugment(images=100_000))

    Reference:
        Karras et al., Training Generative Adversarial Networks with Limited Data, 2020, arXiv:2006.06676 (there 500,000
        images, and eighteen operations)
    """

    log_names = ("augment_p",)

    def __init__(
        self,
        policy: Sequence[str] = ("colour", "translation", "cutout"),
        target: float = 0.6,
        images: int = 100_000,
        seed: int | None = None,
    ):
        super().__init__(policy, seed=seed)
        self.target = _arguments.positive("target", target)
        if self.target >= 1:
            raise ValueError(f"target must be below 1, the r of a D that is sure of all. Received: {target=}.")
        self.images = _arguments.integer("images", images)
        self.probability = _variable("probability", aggregation="mean")

    def adapt(self, real_logits):
        """Moves p towards where r is the target."""
        too_sure = ops.sign(ops.mean(ops.sign(real_logits)) - self.target)
        step = ops.cast(ops.shape(real_logits)[0], "float32") / self.images
        self.probability.assign(ops.clip(self.probability + step * ops.cast(too_sure, "float32"), 0.0, 1.0))

    def log(self):
        return {"augment_p": ops.convert_to_tensor(self.probability)}

    def get_config(self):
        return {"policy": list(self.policy), "target": self.target, "images": self.images, "seed": self.seed}


# --- operations: (images, done: 0 or 1 an image, draw) → images; at done = 0 each leaves an image as it is ----------


def _coloured(images, done, draw):
    brightness, saturation, contrast = (ops.cast(draw(images), images.dtype) for _ in range(3))
    images = images + done * (brightness - 0.5)
    grey = ops.mean(images, axis=3, keepdims=True)
    images = grey + (1 + done * (2 * saturation - 1)) * (images - grey)
    mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + (1 + done * (contrast - 0.5)) * (images - mean)


def _translated(images, done, draw):
    # A move is a product with a matrix of 0 and 1, which has slopes of every order and moves 0 in.
    for axis, formula in ((1, "bij,bjwc->biwc"), (2, "bij,bhjc->bhic")):
        size = images.shape[axis]
        most = round(size / 8)
        by = ops.floor((2 * most + 1) * draw(images)) - most
        by = ops.reshape(ops.cast(by * ops.cast(done, by.dtype), "int32"), (-1, 1, 1))
        to, of = ops.arange(size)[None, :, None], ops.arange(size)[None, None, :]
        images = ops.einsum(formula, ops.cast(ops.equal(of, to + by), images.dtype), images)
    return images


def _cut_out(images, done, draw):
    _, height, width, _ = images.shape
    rows, columns = ops.arange(height)[None, :, None, None], ops.arange(width)[None, None, :, None]
    inside = 1.0
    for places, size in ((rows, height), (columns, width)):
        away = ops.abs(ops.cast(places, "float32") + 0.5 - size * draw(images))
        inside = inside * ops.cast(away < size / 4, images.dtype)
    return images * (1 - done * inside)


_OPERATIONS = {"colour": _coloured, "translation": _translated, "cutout": _cut_out}


def _variable(name, aggregation):
    return keras.Variable(0.0, trainable=False, autocast=False, dtype="float32", aggregation=aggregation, name=name)


# --- in a model -----------------------------------------------------------------------------------------------------


def checked(augment, name: str = "augment") -> list:
    """Returns an argument `augment` as a list of augmentations.

    Args:
        augment: None, a function or an object called on images, or a list of these.
        name: the argument's name, for messages.

    Raises:
        TypeError: if it cannot be called.
    """
    found = [] if augment is None else list(augment) if isinstance(augment, (list, tuple)) else [augment]
    for item in found:
        if isinstance(item, type) or not callable(item):
            raise TypeError(
                f"{name} must be called as {name}(images). Received: {name}={item!r}. "
                "Pass for example gan_lessons.augmentation.DiffAugment()."
            )
    return found


def augmented(augment, images):
    """Returns images as D is to see them in training. Args: an argument `augment`; images, (batch, …)."""
    for step in checked(augment):
        images = step(images)
    return images


def logs(augment) -> dict:
    """Returns what augmentations log, by name. Args: an argument `augment`."""
    return {name: value for step in _adaptive(augment) for name, value in step.log().items()}


def adapt(augment, real_logits):
    """Lets augmentations adapt after D's turn. Args: an argument `augment`; D's logits on the batch's real images."""
    for step in _adaptive(augment):
        step.adapt(real_logits)


def _adaptive(augment):
    return [step for step in checked(augment) if isinstance(step, Augmentation)]


def log_names(augment) -> list:
    """Returns the names of what `logs` returns. Args: an argument `augment`."""
    return [name for step in _adaptive(augment) for name in step.log_names]
