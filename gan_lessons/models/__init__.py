"""The models: one file a system, each to be read from top to bottom."""

from gan_lessons.models.adversarial import AdversarialModel
from gan_lessons.models.base import GenerativeModel
from gan_lessons.models.conditional import ConditionalGAN
from gan_lessons.models.gan import GAN

__all__ = ["GAN", "AdversarialModel", "ConditionalGAN", "GenerativeModel"]
