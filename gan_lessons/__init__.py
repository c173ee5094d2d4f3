"""Generative adversarial networks, to learn from and to build on.

`gan_lessons` is the package behind the course of the same name. Its centre is `GAN`, a `keras.Model` whose `train_step`
plays the game of Goodfellow et al. (arXiv:1406.2661) with `tf.GradientTape`; around it stand the parts that a GAN is
composed of, one module each:

    import gan_lessons as gl

    gan = gl.GAN(
        generator=gl.networks.mlp_generator((28, 28, 1), latent_dim=100),
        discriminator=gl.networks.mlp_discriminator((28, 28, 1)),
        latent_dim=100,
    )

`gl.score(gan, "mnist")` says how good it is, `gl.diagnose(gan, images)` what is wrong with it.

Modules are loaded when they are first used, so that `import gan_lessons` costs no more than `import keras`.
"""

import importlib
import sys

# Imported at once, not on first use: loading a saved GAN needs the classes in these to be registered with Keras.
from gan_lessons import augmentation, conditioning, constraints, layers, objectives, penalties  # noqa: F401
from gan_lessons.batches import Batch, Part
from gan_lessons.models import (
    GAN,
    AdversarialModel,
    ConditionalGAN,
    GenerativeModel,
    InfoGAN,
    SemiSupervisedGAN,
)

# Where these classes stood in 0.1, for code that imports them from there.
sys.modules[f"{__name__}.gan"] = sys.modules[f"{__name__}.models.gan"]
sys.modules[f"{__name__}.adversarial"] = sys.modules[f"{__name__}.models.adversarial"]

__version__ = "0.2.0"

_MODULES = (
    "augmentation",
    "callbacks",
    "checks",
    "conditioning",
    "constraints",
    "data",
    "doctor",
    "features",
    "layers",
    "metrics",
    "models",
    "networks",
    "objectives",
    "penalties",
    "plotting",
    "recipes",
    "samples",
    "scoring",
    "stacked",
    "theory",
    "toys",
    "trained",
    "ward",
    "watch",
)

# Functions of the first rank, and the modules that they stand in.
_FUNCTIONS = {"diagnose": "doctor", "score": "scoring"}

__all__ = [
    "GAN",
    "AdversarialModel",
    "Batch",
    "ConditionalGAN",
    "GenerativeModel",
    "InfoGAN",
    "Part",
    "SemiSupervisedGAN",
    *_FUNCTIONS,
    *_MODULES,
]


def __getattr__(name):
    if name in _FUNCTIONS:
        return getattr(importlib.import_module(f"{__name__}.{_FUNCTIONS[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_FUNCTIONS, *_MODULES])
