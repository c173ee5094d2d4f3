"""Computes the quantities of the minimax game's theory: the best discriminator, divergences, dynamics.

A density is an array of values on a grid `x` of points on a line, and an integral is a sum of trapezoids over that
grid. That is enough to check every theorem of Goodfellow et al. (arXiv:1406.2661) in numbers. `DiracGAN` is the
smallest possible GAN: it shows which objectives converge and which circle without end (Mescheder et al.,
arXiv:1801.04406).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import integrate, special

from gan_lessons._arguments import integer, not_negative, positive

# How far from 1 the integral of a density may be: enough for a coarse grid and cut-off tails, too little for a function
# that is not a density.
_INTEGRAL_ERROR = 0.01

# The least distance of D(x) from 0 and 1. Without it D*(x) rounds to 1 far out, and V(D*, G) would be −∞ by rounding
# alone.
_NEAREST = 1e-16


# --- densities on a line ---------------------------------------------------------------------------------------------


def _densities(x, **densities):
    """Returns the grid and the densities as arrays; refuses what is not a grid, or not a density on it."""
    x = np.asarray(x, dtype="float64")
    if x.ndim != 1 or len(x) < 2 or not (np.diff(x) > 0).all():
        raise ValueError(
            "x must be a grid of points in increasing order. "
            f"Received: x of shape {x.shape}. Pass for example numpy.linspace(-8, 8, 2001)."
        )
    arrays = [_on_grid(x, name, density) for name, density in densities.items()]
    for name, density in zip(densities, arrays, strict=True):
        total = integrate.trapezoid(density, x)
        if (density < 0).any() or abs(total - 1) > _INTEGRAL_ERROR:
            raise ValueError(
                f"A density is nowhere negative and integrates to 1. Received: {name} with values from "
                f"{density.min():g} and integral {total:.4g} over x. Divide it by its integral, or widen the "
                "grid."
            )
    return x, *arrays


def _on_grid(x, name, values):
    values = np.asarray(values, dtype="float64")
    if values.shape != x.shape or not np.isfinite(values).all():
        raise ValueError(
            f"{name} must be an array with one finite value for each point of x. "
            f"Received: {name} of shape {values.shape}, x of shape {x.shape}. Pass {name}(x), not the "
            "function."
        )
    return values


def value(discriminator: ArrayLike, p_real: ArrayLike, p_fake: ArrayLike, x: ArrayLike) -> float:
    """Returns the value of the game, V(D, G) = E_{x~p_r}[log D(x)] + E_{x~p_g}[log(1 − D(x))].

    The discriminator maximises it, the generator minimises it. 0·log 0 counts as 0: D(x) costs nothing where both
    densities are 0. The function clips D(x) to [10⁻¹⁶, 1 − 10⁻¹⁶], since no float lies nearer to 1: a D that is certain
    and wrong costs about 37, not infinity.

    Args:
        discriminator: D(x), probabilities in [0, 1], of shape (points,).
        p_real: the density of the real data, p_r(x), of shape (points,).
        p_fake: the density of the generator's images, p_g(x), of shape (points,).
        x: the grid, of shape (points,), in increasing order.

    Returns:
        V(D, G), a float.

    Raises:
        ValueError: if D leaves [0, 1], p_real or p_fake is not a density, or the shapes differ.

    Example:
        >>> x = np.linspace(-8, 8, 2001)
        >>> p = scipy.stats.norm.pdf(x)
        >>> value(np.full_like(x, 0.5), p, p, x)      # −log 4
        -1.3863

    Reference:
        Goodfellow et al., Generative Adversarial Nets, 2014, equation 1, arXiv:1406.2661
    """
    x, p_real, p_fake = _densities(x, p_real=p_real, p_fake=p_fake)
    discriminator = _on_grid(x, "discriminator", discriminator)
    if (discriminator < 0).any() or (discriminator > 1).any():
        raise ValueError(
            "discriminator must be probabilities in [0, 1]. Received: discriminator with values from "
            f"{discriminator.min():g} to {discriminator.max():g}. If they are logits: "
            "scipy.special.expit(logits)."
        )
    discriminator = np.clip(discriminator, _NEAREST, 1 - _NEAREST)
    payoff = special.xlogy(p_real, discriminator) + special.xlogy(p_fake, 1 - discriminator)
    return float(integrate.trapezoid(payoff, x))


def optimal_discriminator(p_real: ArrayLike, p_fake: ArrayLike) -> np.ndarray:
    """Returns the best discriminator against a generator, D*(x) = p_r(x) / (p_r(x) + p_g(x)).

    It maximises p_r·log D + p_g·log(1 − D), the integrand of V, at each x.

    Args:
        p_real: p_r(x), of any shape, nowhere negative.
        p_fake: p_g(x), of the same shape.

    Returns:
        D*(x), of that shape. Where both densities are 0 every D is as good; the function returns ½.

    Raises:
        ValueError: if the shapes differ or a value is negative.

    Example:
        >>> optimal_discriminator([0.3, 0.2, 0.0], [0.1, 0.2, 0.4])
        array([0.75, 0.5 , 0.  ])

    Reference:
        Goodfellow et al., 2014, proposition 1, arXiv:1406.2661
    """
    p_real, p_fake = np.asarray(p_real, "float64"), np.asarray(p_fake, "float64")
    if p_real.shape != p_fake.shape or (p_real < 0).any() or (p_fake < 0).any():
        raise ValueError(
            "p_real and p_fake must be values of two densities at the same points, none of them negative. Received: "
            f"p_real of shape {p_real.shape} from {p_real.min(initial=np.inf):g}, p_fake of shape {p_fake.shape} from "
            f"{p_fake.min(initial=np.inf):g}."
        )
    total = p_real + p_fake
    return np.divide(p_real, total, out=np.full_like(total, 0.5), where=total > 0)


def kl(p: ArrayLike, q: ArrayLike, x: ArrayLike) -> float:
    """Returns the Kullback–Leibler divergence, KL(p‖q) = ∫ p(x)·log(p(x)/q(x)) dx, in nats.

    Args:
        p: a density on the grid, of shape (points,).
        q: another.
        x: the grid, of shape (points,).

    Returns:
        A float ≥ 0 (up to the error of the grid); inf if p has mass where q has none.

    Raises:
        ValueError: as `value`.

    Example:
        >>> kl(scipy.stats.norm.pdf(x), scipy.stats.norm.pdf(x, loc=1), x)     # ½·(difference of the means)²
        0.5
    """
    x, p, q = _densities(x, p=p, q=q)
    integrand = special.rel_entr(p, q)
    return float(np.inf if np.isinf(integrand).any() else integrate.trapezoid(integrand, x))


def jensen_shannon(p: ArrayLike, q: ArrayLike, x: ArrayLike) -> float:
    """Returns the Jensen–Shannon divergence, JSD(p‖q) = ½·KL(p‖m) + ½·KL(q‖m) with m = ½·(p + q), in nats.

    It is 0 if and only if p = q, and at most log 2, its value where p and q do not overlap. The best discriminator's
    value is V(D*, G) = 2·JSD(p_r‖p_g) − log 4.

    Args:
        p: a density on the grid, of shape (points,).
        q: another.
        x: the grid, of shape (points,).

    Returns:
        A float in [0, log 2] (up to the error of the grid).

    Raises:
        ValueError: as `value`.

    Example:
        >>> jensen_shannon(scipy.stats.norm.pdf(x, loc=-6), scipy.stats.norm.pdf(x, loc=6), x)    # nearly log 2
        0.6931

    Reference:
        Goodfellow et al., 2014, theorem 1, arXiv:1406.2661
    """
    x, p, q = _densities(x, p=p, q=q)
    middle = (p + q) / 2
    return float(integrate.trapezoid(special.rel_entr(p, middle) + special.rel_entr(q, middle), x) / 2)


def wasserstein_1d(p: ArrayLike, q: ArrayLike, x: ArrayLike) -> float:
    """Returns the Wasserstein-1 distance on a line, W(p, q) = ∫ |F_p(x) − F_q(x)| dx, F the cumulative distributions.

    It is the least work, mass times distance, that moves p's mass to q's. Unlike `jensen_shannon` it grows with the
    distance of two distributions that do not overlap.

    Args:
        p: a density on the grid, of shape (points,).
        q: another.
        x: the grid, of shape (points,).

    Returns:
        A float ≥ 0, in units of x.

    Raises:
        ValueError: as `value`.

    Example:
        >>> wasserstein_1d(scipy.stats.norm.pdf(x), scipy.stats.norm.pdf(x, loc=3), x)
        3.0

    Reference:
        Arjovsky et al., Wasserstein GAN, 2017, section 2, arXiv:1701.07875
    """
    x, p, q = _densities(x, p=p, q=q)
    return float(integrate.trapezoid(np.abs(integrate.cumulative_trapezoid(p - q, x, initial=0)), x))


# --- the smallest GAN ------------------------------------------------------------------------------------------------


# The derivatives at u = D(θ) = ψθ of what each player *ascends*, with the real image at 0. There D outputs ψ·0 = 0
# whatever ψ is, so only the fake image moves the players.
def _sigmoid_of_minus(u):
    return special.expit(-u)


_SLOPES = {
    #                  (of G: +log D or −log(1 − D),  of D: log(1 − D))
    "minimax": (special.expit, special.expit),
    "non_saturating": (_sigmoid_of_minus, special.expit),
    "wasserstein": (np.ones_like, np.ones_like),
}


@dataclass(frozen=True)
class DiracGAN:
    """Models the smallest GAN: a single real image at 0, a generator of a single image θ, a linear discriminator ψ·x.

    The only equilibrium is (θ, ψ) = (0, 0). In continuous time, with D's logit u = ψθ on the fake image, gradient
    descent on each player's loss is

        minimax          θ' = ψ·σ(u)      ψ' = −θ·σ(u)
        non_saturating   θ' = ψ·σ(−u)     ψ' = −θ·σ(u)
        wasserstein      θ' = ψ           ψ' = −θ

    The discriminator's slope is ψ at every image, so a penalty on it is weight·(|ψ| − target)², which adds
    −2·weight·(|ψ| − target)·sign(ψ) to ψ': R1 for target 0 (γ = 2·weight in the paper), WGAN-GP for target 1. `clip`
    keeps |ψ| ≤ clip, as WGAN's weight clipping does.

    Args:
        objective: "minimax", "non_saturating" or "wasserstein".
        penalty_weight: the weight of the gradient penalty; 0 for none.
        penalty_target: the slope that the penalty pulls towards.
        clip: the largest |ψ|, or None.

    Raises:
        ValueError: for an unknown objective, or a number out of range.

    Example:
        >>> DiracGAN("wasserstein").eigenvalues()                                # circles without end
        array([0.+1.j, 0.-1.j])
        >>> DiracGAN("non_saturating", penalty_weight=0.3, penalty_target=0.0).eigenvalues()      # converges
        array([-0.3+0.4j, -0.3-0.4j])

    Reference:
        Mescheder et al., Which Training Methods for GANs do actually Converge?, 2018, arXiv:1801.04406
    """

    objective: str = "minimax"
    penalty_weight: float = 0.0
    penalty_target: float = 0.0
    clip: float | None = None

    def __post_init__(self):
        if self.objective not in _SLOPES:
            raise ValueError(
                f"objective must be one of {', '.join(map(repr, _SLOPES))}. Received: objective={self.objective!r}."
            )
        not_negative("penalty_weight", self.penalty_weight)
        not_negative("penalty_target", self.penalty_target)
        if self.clip is not None:
            positive("clip", self.clip, "Pass None for no clipping.")

    def field(self, theta: ArrayLike, psi: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Returns the vector field (θ', ψ'): the direction in which gradient descent moves the two players.

        Args:
            theta: the generator's image, a number or an array.
            psi: the discriminator's slope, of the same shape.

        Returns:
            (θ', ψ'), each of that shape, without the clip, which acts after a step.
        """
        theta, psi = np.asarray(theta, "float64"), np.asarray(psi, "float64")
        generators, discriminators = _SLOPES[self.objective]
        pull = 2 * self.penalty_weight * (np.abs(psi) - self.penalty_target) * np.sign(psi)
        return psi * generators(psi * theta), -theta * discriminators(psi * theta) - pull

    def _clipped(self, psi):
        return psi if self.clip is None else np.clip(psi, -self.clip, self.clip)

    def flow(self, start: ArrayLike, time: float, step: float = 0.01) -> tuple[np.ndarray, np.ndarray]:
        """Follows the field in continuous time (the classical Runge–Kutta method, clipped after each step).

        Args:
            start: (θ, ψ).
            time: the time to follow it for.
            step: the step of the integration.

        Returns:
            (times, path), of shapes (n,) and (n, 2).

        Raises:
            ValueError: if start is not a pair, time or step is not positive, or step is above time.
        """
        point, time, step = _pair(start), positive("time", time), positive("step", step)
        if step > time:
            raise ValueError(f"step must be at most time. Received: {step=}, {time=}. Give a smaller step.")

        def slope(point):
            return np.array(self.field(*point))

        path = [point]
        for _ in range(round(time / step)):
            first = slope(point)
            second = slope(point + step / 2 * first)
            third = slope(point + step / 2 * second)
            point = point + step / 6 * (first + 2 * second + 2 * third + slope(point + step * third))
            point[1] = self._clipped(point[1])
            path.append(point)
        return step * np.arange(len(path)), np.array(path)

    def descend(self, start: ArrayLike, steps: int, step_size: float = 0.1, alternating: bool = False) -> np.ndarray:
        """Trains the two players by gradient descent, in steps, like a real GAN.

        Args:
            start: (θ, ψ).
            steps: the number of steps.
            step_size: the learning rate of both players.
            alternating: if True, D moves first and G's gradient uses the new D, as in `GAN`; else both move at once.

        Returns:
            The path, of shape (steps + 1, 2).

        Raises:
            TypeError: if steps is not an integer.
            ValueError: if start is not a pair, steps is below 1, or step_size not positive.
        """
        steps, step_size = integer("steps", steps), positive("step_size", step_size)
        path = [_pair(start)]
        for _ in range(steps):
            path.append(self._step(path[-1], step_size, alternating))
        return np.array(path)

    def _step(self, point, step_size, alternating):
        theta, psi = point
        new_psi = self._clipped(psi + step_size * self.field(theta, psi)[1])
        new_theta = theta + step_size * self.field(theta, new_psi if alternating else psi)[0]
        return np.array([new_theta, new_psi])

    def jacobian(self) -> np.ndarray:
        """Returns the derivative of the field at the equilibrium (0, 0), by central differences, of shape (2, 2).

        Raises:
            ValueError: if the field has no derivative there, because the penalty's target is not 0.
        """
        return self._derivative(lambda point: np.array(self.field(*point)))

    def eigenvalues(self) -> np.ndarray:
        """Returns the eigenvalues of the Jacobian at the equilibrium.

        With a negative real part the players approach the equilibrium like e^{Re·t}; with a real part of 0 their
        linearised motion keeps its distance. The imaginary part is the angular speed.

        Returns:
            A complex array of shape (2,), the eigenvalue with the larger imaginary part first.

        Raises:
            ValueError: as `jacobian`.
        """
        return _sorted(np.linalg.eigvals(self.jacobian()))

    def update_eigenvalues(self, step_size: float = 0.1, alternating: bool = False) -> np.ndarray:
        """Returns the eigenvalues of the derivative of a training step (see `descend`) at the equilibrium.

        The players approach the equilibrium if both lie inside the unit circle, and leave it if either lies outside. If
        both players move at once, the eigenvalues are 1 + step_size·λ, with λ the eigenvalues of the Jacobian.

        Args:
            step_size, alternating: as in `descend`.

        Returns:
            A complex array of shape (2,), the eigenvalue with the larger imaginary part first.

        Raises:
            ValueError: as `jacobian`, or if step_size is not positive.
        """
        step_size = positive("step_size", step_size)
        return _sorted(np.linalg.eigvals(self._derivative(lambda point: self._step(point, step_size, alternating))))

    def _derivative(self, function, small=1e-5):
        if self.penalty_weight and self.penalty_target:
            raise ValueError(
                "The field must have a derivative at the equilibrium; weight·(|ψ| − target)² has a kink at ψ = 0, and "
                f"pushes D away from it. Received: penalty_target={self.penalty_target}. Use flow() or descend()."
            )
        nudges = small * np.eye(2)
        return np.stack([(function(nudge) - function(-nudge)) / (2 * small) for nudge in nudges], axis=1)


def _sorted(eigenvalues):
    eigenvalues = np.asarray(eigenvalues, dtype="complex128")
    return eigenvalues[np.lexsort((-eigenvalues.real, -eigenvalues.imag))]


def _pair(start):
    point = np.asarray(start, dtype="float64")
    if point.shape != (2,) or not np.isfinite(point).all():
        raise ValueError(f"start must be a pair (θ, ψ) of finite numbers. Received: start={start!r}.")
    return point
