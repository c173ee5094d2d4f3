"""Generators and discriminators: functions that return plain, built functional Keras models.

Layer sizes are arguments. Discriminators output logits (no sigmoid at the end). Generators end in tanh and output
images in [−1, 1], but for `r3gan_generator`, which ends in a convolution. `GAN` takes these or any other Keras models.
All layers are Keras's own except those of `gan_lessons.layers`.
"""

from gan_lessons.networks.dcgan import dcgan_critic, dcgan_discriminator, dcgan_generator
from gan_lessons.networks.mlp import mlp_discriminator, mlp_generator
from gan_lessons.networks.r3gan import r3gan_discriminator, r3gan_generator
from gan_lessons.networks.resnet import resnet_discriminator, resnet_generator

__all__ = [
    "dcgan_critic",
    "dcgan_discriminator",
    "dcgan_generator",
    "mlp_discriminator",
    "mlp_generator",
    "r3gan_discriminator",
    "r3gan_generator",
    "resnet_discriminator",
    "resnet_generator",
]
