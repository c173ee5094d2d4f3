"""What the two players minimise.

An objective is two functions of the discriminator's answers, which are logits: D(x) = σ(logit). `discriminator_loss` is
what the discriminator descends, `generator_loss` what the generator descends. Real is 1, fake is 0.

To add one, write a class with these two methods; `GAN(objective=YourObjective())` takes it as it is. Derive it from
`Objective` and register it with `keras.saving.register_keras_serializable()`, and `load_model` restores it.
"""

import numbers

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

    D's loss lies above 0. The best D is p_r/(p_r + p_g), and at the equilibrium p_g = p_r its loss is 2·log 2.

    One-sided label smoothing lowers the target of real images from 1 to `real_label` = t: D descends
    −E[t·log D(x) + (1 − t)·log(1 − D(x))] − E[log(1 − D(G(z)))]. The best D is then t·p_r/(p_r + p_g): it is never sure,
    and its logits stay small. The target of generated images stays 0; raised too, it would hold G where only G is. A
    target above 1 is refused, since that loss has no lower end.

    Args:
        real_label: t, the target of real images, in (0, 1]. 0.9 is common.

    Raises:
        ValueError: if it is no number in (0, 1].

    Example:
        >>> Minimax().discriminator_loss(ops.zeros((4, 1)), ops.zeros((4, 1)))   # D says ½ everywhere: 2·log 2
        1.3863

    Reference:
        Goodfellow et al., Generative Adversarial Nets, 2014, arXiv:1406.2661;
        Salimans et al., Improved Techniques for Training GANs, 2016, section 3.4, arXiv:1606.03498 (label smoothing)
    """

    log_names = ("d_real", "d_fake")
    real_label = 1.0  # of a subclass with an `__init__` of its own

    def __init__(self, real_label: float = 1.0):
        is_number = isinstance(real_label, numbers.Real) and not isinstance(real_label, bool)
        if not is_number or not 0 < real_label <= 1:
            raise ValueError(
                f"real_label must be in (0, 1]. Received: real_label={real_label!r}. "
                "Pass 1.0 for no smoothing, or 0.9; above 1 D's loss has no lower end."
            )
        self.real_label = float(real_label)

    def discriminator_loss(self, real_logits, fake_logits):
        """−V(D, G) = E[softplus(−real)] + E[softplus(fake)], and (1 − t)·E[real] with a target t below 1."""
        # −t·log σ(v) − (1 − t)·log(1 − σ(v)) = softplus(−v) + (1 − t)·v
        smoothing = (1.0 - self.real_label) * ops.mean(real_logits)
        return ops.mean(ops.softplus(-real_logits)) + smoothing + ops.mean(ops.softplus(fake_logits))

    def generator_loss(self, fake_logits, real_logits=None):
        """E[log(1 − D(G(z)))] = −E[softplus(fake)]."""
        return -ops.mean(ops.softplus(fake_logits))

    def log(self, real_logits, fake_logits):
        """The discriminator's mean answer, as a probability, on real (`d_real`) and on generated (`d_fake`) images."""
        return {"d_real": ops.mean(ops.sigmoid(real_logits)), "d_fake": ops.mean(ops.sigmoid(fake_logits))}

    def get_config(self):
        return {"real_label": self.real_label}


@keras.saving.register_keras_serializable("gan_lessons")
class NonSaturating(Minimax):
    """The objective that is used in practice: the same discriminator, a generator that does not stall when it loses.

    The generator descends −E_z[log D(G(z))] instead of E_z[log(1 − D(G(z)))]. Both have the same fixed point; this one has
    a gradient of size 1 − D(G(z)) in the logit, where the minimax one has D(G(z)): large exactly when G is losing.
    G's loss lies above 0, and is log 2 at the equilibrium.

    Args, Raises: as for `Minimax`.

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


@keras.saving.register_keras_serializable("gan_lessons")
class LeastSquares(Objective):
    """Least squares: D's output is a number, not a logit, and is pulled to a target.

    D descends ½·E[(D(x) − b)²] + ½·E[(D(G(z)) − a)²], and G descends ½·E[(D(G(z)) − c)²]. Both losses are 0 or more. The
    slope grows with the distance to the target, on both sides: an image far on the real side is pulled back too, and a G
    that loses keeps a gradient.

    The best D is (b·p_r + a·p_g)/(p_r + p_g). With a = 0, b = c = 1 it outputs ½ at the equilibrium, where D's loss is ¼
    and G's ⅛. With b − c = 1 and b − a = 2, as a = −1, b = 1, c = 0, G descends the Pearson χ² divergence.

    Args:
        a: the target of generated images in D's turn.
        b: the target of real images.
        c: the target of generated images in G's turn.

    Raises:
        ValueError: if a and b are the same: D could not tell the two kinds apart.

    Example:
        >>> LeastSquares().discriminator_loss(0.5 * ops.ones((4, 1)), 0.5 * ops.ones((4, 1)))
        0.25

    Reference:
        Mao et al., Least Squares Generative Adversarial Networks, 2016, arXiv:1611.04076
    """

    log_names = ("output_real", "output_fake")

    def __init__(self, a: float = 0.0, b: float = 1.0, c: float = 1.0):
        if a == b:
            raise ValueError(
                f"a and b must differ: they are D's targets for generated and for real images. Received: {a=}, {b=}."
            )
        self.a, self.b, self.c = float(a), float(b), float(c)

    def discriminator_loss(self, real_logits, fake_logits):
        """½·E[(real − b)²] + ½·E[(fake − a)²]."""
        return (ops.mean(ops.square(real_logits - self.b)) + ops.mean(ops.square(fake_logits - self.a))) / 2

    def generator_loss(self, fake_logits, real_logits=None):
        """½·E[(fake − c)²]."""
        return ops.mean(ops.square(fake_logits - self.c)) / 2

    def log(self, real_logits, fake_logits):
        """D's mean output, which is no probability, on real (`output_real`) and on generated (`output_fake`) images."""
        return {"output_real": ops.mean(real_logits), "output_fake": ops.mean(fake_logits)}

    def get_config(self):
        return {"a": self.a, "b": self.b, "c": self.c}


@keras.saving.register_keras_serializable("gan_lessons")
class Hinge(Objective):
    """The hinge: D wants real images above 1 and generated ones below −1, and has no interest in how far.

    D descends E[max(0, 1 − D(x))] + E[max(0, 1 + D(G(z)))], which is 0 or more; an image beyond its margin has slope 0, so
    D works on those that it finds hard. G descends −E[D(G(z))], which has no lower end, but the same slope everywhere.

    The best D outputs 1 where p_r > p_g and −1 where p_r < p_g; its loss is 2·∫min(p_r, p_g), 2 at the equilibrium. It
    is usually trained with `layers.SpectralNorm` in D.

    Example:
        >>> Hinge().discriminator_loss(ops.zeros((4, 1)), ops.zeros((4, 1)))
        2.0

    Reference:
        Lim and Ye, Geometric GAN, 2017, arXiv:1705.02894; Miyato et al., 2018, arXiv:1802.05957
    """

    log_names = ("output_real", "output_fake")

    def discriminator_loss(self, real_logits, fake_logits):
        """E[max(0, 1 − real)] + E[max(0, 1 + fake)]."""
        return ops.mean(ops.relu(1.0 - real_logits)) + ops.mean(ops.relu(1.0 + fake_logits))

    def generator_loss(self, fake_logits, real_logits=None):
        """−E[fake]."""
        return -ops.mean(fake_logits)

    def log(self, real_logits, fake_logits):
        """D's mean output, which is no probability, on real (`output_real`) and on generated (`output_fake`) images."""
        return {"output_real": ops.mean(real_logits), "output_fake": ops.mean(fake_logits)}


@keras.saving.register_keras_serializable("gan_lessons")
class Relativistic(Objective):
    """The relativistic objective in pairs: D says which of two images is the real one.

    D descends E[softplus(−(D(x) − D(G(z))))] = −E[log σ(D(x) − D(G(z)))], and G descends the same with the two exchanged,
    over pairs of a real and a generated image of the batch. Both losses lie above 0, and are log 2 at the equilibrium.

    The best D is log(p_r/p_g) plus any constant: only differences of its outputs count. G thus raises its images above
    the real ones near them, and cannot win by a few images that D likes; this is what R3GAN builds on, together with
    `penalties.R1` and `penalties.R2`.

    Example:
        >>> Relativistic().generator_loss(ops.zeros((4, 1)), ops.zeros((4, 1)))   # log 2
        0.6931

    Reference:
        Jolicoeur-Martineau, The relativistic discriminator, 2018, arXiv:1807.00734;
        Huang et al., The GAN is dead; long live the GAN!, 2025, arXiv:2501.05441
    """

    log_names = ("prefers_real",)
    generator_sees_real = True

    def discriminator_loss(self, real_logits, fake_logits):
        """E[softplus(−(real − fake))]."""
        return ops.mean(ops.softplus(fake_logits - real_logits))

    def generator_loss(self, fake_logits, real_logits=None):
        """E[softplus(−(fake − real))]."""
        return ops.mean(ops.softplus(real_logits - fake_logits))

    def log(self, real_logits, fake_logits):
        """`prefers_real`: E[σ(real − fake)], how surely D prefers the real image of a pair; ½ if it cannot tell."""
        return {"prefers_real": ops.mean(ops.sigmoid(real_logits - fake_logits))}


@keras.saving.register_keras_serializable("gan_lessons")
class RelativisticAverage(Objective):
    """The relativistic objective against averages: D says whether an image is more real than the mean of the other kind.

    With r = D(x) − E[D(G(z))] and f = D(G(z)) − E[D(x)], D descends E[softplus(−r)] + E[softplus(f)], and G descends
    E[softplus(r)] + E[softplus(−f)]. Both losses lie above 0, and are 2·log 2 for a D of one output everywhere, as at the
    equilibrium. As in `Relativistic`, only differences of D's outputs count.

    Example:
        >>> RelativisticAverage().generator_loss(ops.zeros((4, 1)), ops.zeros((4, 1)))   # 2·log 2
        1.3863

    Reference:
        Jolicoeur-Martineau, The relativistic discriminator, 2018, arXiv:1807.00734
    """

    log_names = ("prefers_real",)
    generator_sees_real = True

    def discriminator_loss(self, real_logits, fake_logits):
        """E[softplus(−r)] + E[softplus(f)]."""
        return ops.mean(ops.softplus(ops.mean(fake_logits) - real_logits)) + ops.mean(
            ops.softplus(fake_logits - ops.mean(real_logits))
        )

    def generator_loss(self, fake_logits, real_logits=None):
        """E[softplus(r)] + E[softplus(−f)]: D's loss with the two kinds exchanged."""
        return self.discriminator_loss(fake_logits, real_logits)

    def log(self, real_logits, fake_logits):
        """`prefers_real`: E[σ(r)], how surely D prefers a real image to the mean generated one; ½ if it cannot tell."""
        return {"prefers_real": ops.mean(ops.sigmoid(real_logits - ops.mean(fake_logits)))}


_BY_NAME = {
    "minimax": Minimax,
    "non_saturating": NonSaturating,
    "wasserstein": Wasserstein,
    "least_squares": LeastSquares,
    "hinge": Hinge,
    "relativistic": Relativistic,
    "relativistic_average": RelativisticAverage,
}


def get(identifier) -> Objective:
    """An objective from its short name, or the objective itself.

    Args:
        identifier: "minimax", "non_saturating", "wasserstein", "least_squares", "hinge", "relativistic",
            "relativistic_average", or an object with `discriminator_loss` and `generator_loss`.

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
