"""What the two players minimise.

An objective is two functions of the discriminator's answers, which are logits: D(x) = σ(logit). `discriminator_loss` is
what the discriminator descends, `generator_loss` what the generator descends. Real is 1, fake is 0.

To add one, write a class with these two methods; `GAN(objective=YourObjective())` takes it as it is. Derive it from
`Objective` and register it with `keras.saving.register_keras_serializable()`, and `load_model` restores it.
"""

import keras
from keras import ops


class Objective:
    """Two losses, each a scalar to minimise, and what is worth plotting beside them.

    An objective may have variables and `keras.random.SeedGenerator`s as attributes: the model saves them.
    """

    #: The names of what `log` returns. They become entries of the training history.
    log_names = ()

    #: Whether the generator's loss compares fake logits with real ones. D is then called on real images in G's turn too.
    generator_sees_real = False

    def discriminator_loss(self, real_logits, fake_logits):
        """The discriminator's loss, from its logits on real and on generated images, each of shape (batch, …)."""
        raise NotImplementedError(f"{type(self).__name__} must define discriminator_loss(real_logits, fake_logits).")

    def generator_loss(self, fake_logits, real_logits=None):
        """The generator's loss, from the discriminator's logits on generated images, of shape (batch, …).

        Args:
            fake_logits: D's logits on generated images.
            real_logits: D's logits on the batch's real images, where `generator_sees_real` is set, else None.
        """
        raise NotImplementedError(f"{type(self).__name__} must define generator_loss(fake_logits, real_logits=None).")

    def log(self, real_logits, fake_logits):
        """Further scalars for the training history: a dictionary with the keys `log_names`."""
        return {}

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable("gan_lessons")
class Minimax(Objective):
    """The game as it was first written down: both players fight over one value.

    V(D, G) = E_x[log D(x)] + E_z[log(1 − D(G(z)))]; the discriminator descends −V, the generator descends the part of V
    that it can change. In logits, with softplus(t) = log(1 + eᵗ): log σ(t) = −softplus(−t), log(1 − σ(t)) = −softplus(t).
    Written so, nothing overflows and no log(0) arises.

    When the discriminator wins, D(G(z)) → 0, the generator's gradient vanishes with it: see `NonSaturating`.

    Example:
        >>> Minimax().discriminator_loss(ops.zeros((4, 1)), ops.zeros((4, 1)))   # D says ½ everywhere: 2·log 2
        1.3863

    Reference:
        Goodfellow et al., Generative Adversarial Nets, 2014, arXiv:1406.2661
    """

    log_names = ("d_real", "d_fake")

    def discriminator_loss(self, real_logits, fake_logits):
        """−V(D, G) = E[softplus(−real)] + E[softplus(fake)]."""
        return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))

    def generator_loss(self, fake_logits, real_logits=None):
        """E[log(1 − D(G(z)))] = −E[softplus(fake)]."""
        return -ops.mean(ops.softplus(fake_logits))

    def log(self, real_logits, fake_logits):
        """The discriminator's mean answer, as a probability, on real (`d_real`) and on generated (`d_fake`) images."""
        return {"d_real": ops.mean(ops.sigmoid(real_logits)), "d_fake": ops.mean(ops.sigmoid(fake_logits))}


@keras.saving.register_keras_serializable("gan_lessons")
class NonSaturating(Minimax):
    """The objective that is used in practice: the same discriminator, a generator that does not stall when it loses.

    The generator descends −E_z[log D(G(z))] instead of E_z[log(1 − D(G(z)))]. Both have the same fixed point; this one has
    a gradient of size 1 − D(G(z)) in the logit, where the minimax one has D(G(z)): large exactly when G is losing.

    Example:
        >>> NonSaturating().generator_loss(ops.zeros((4, 1)))   # D says ½: log 2
        0.6931

    Reference:
        Goodfellow et al., Generative Adversarial Nets, 2014, section 3, arXiv:1406.2661
    """

    def generator_loss(self, fake_logits, real_logits=None):
        """−E[log D(G(z))] = E[softplus(−fake)]."""
        return ops.mean(ops.softplus(-fake_logits))


@keras.saving.register_keras_serializable("gan_lessons")
class Wasserstein(Objective):
    """The Wasserstein objective: the discriminator is a critic, which scores rather than classifies.

    min_G max_{‖D‖_L ≤ 1} E_x[D(x)] − E_z[D(G(z))]. The maximum is the Wasserstein-1 distance between the two distributions
    only if D is 1-Lipschitz, so this goes with `constraints.clip_weights` or `penalties.GradientPenalty`.

    Reference:
        Arjovsky et al., Wasserstein GAN, 2017, arXiv:1701.07875
    """

    log_names = ("distance",)

    def discriminator_loss(self, real_logits, fake_logits):
        """E[D(G(z))] − E[D(x)]."""
        return ops.mean(fake_logits) - ops.mean(real_logits)

    def generator_loss(self, fake_logits, real_logits=None):
        """−E[D(G(z))]."""
        return -ops.mean(fake_logits)

    def log(self, real_logits, fake_logits):
        """`distance`: E[D(x)] − E[D(G(z))], the critic's estimate, without the penalty."""
        return {"distance": ops.mean(real_logits) - ops.mean(fake_logits)}


_BY_NAME = {"minimax": Minimax, "non_saturating": NonSaturating, "wasserstein": Wasserstein}


def get(identifier) -> Objective:
    """An objective from its short name, or the objective itself.

    Args:
        identifier: "minimax", "non_saturating", "wasserstein", or an object with `discriminator_loss` and
            `generator_loss`.

    Returns:
        An objective.

    Raises:
        ValueError: for an unknown name, or an object that lacks one of the two losses.
    """
    if isinstance(identifier, str):
        if identifier not in _BY_NAME:
            raise ValueError(
                f"objective must be one of {', '.join(map(repr, _BY_NAME))}, or an object. "
                f"Received: objective={identifier!r}."
            )
        return _BY_NAME[identifier]()
    losses = ("discriminator_loss", "generator_loss")
    if isinstance(identifier, type) or not all(callable(getattr(identifier, loss, None)) for loss in losses):
        raise ValueError(
            "objective must be an object with the methods discriminator_loss(real_logits, fake_logits) and "
            f"generator_loss(fake_logits, real_logits=None). Received: objective={identifier!r}. "
            "Pass an instance, such as gan_lessons.objectives.Wasserstein()."
        )
    return identifier
