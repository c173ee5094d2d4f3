"""The models: one file a system, each to be read from top to bottom."""

from gan_lessons.models.adversarial import AdversarialModel
from gan_lessons.models.base import GenerativeModel
from gan_lessons.models.conditional import ConditionalGAN
from gan_lessons.models.gan import GAN
from gan_lessons.models.infogan import InfoGAN
from gan_lessons.models.semi_supervised import SemiSupervisedGAN

__all__ = ["GAN", "AdversarialModel", "ConditionalGAN", "GenerativeModel", "InfoGAN", "SemiSupervisedGAN"]
