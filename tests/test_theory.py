"""The theory's numbers against closed forms, quadrature and SciPy."""

import numpy as np
import pytest
from scipy import integrate, special, stats

from gan_lessons import objectives, theory
from gan_lessons.theory import DiracGAN

X = np.linspace(-12, 12, 8001)


def gaussian(mean=0.0, std=1.0):
    return stats.norm.pdf(X, mean, std)


# --- densities on a line ------------------------------------------------------------------------------------


def test_value_against_adaptive_quadrature():
    def payoff(x):
        d = special.expit(1 - 0.7 * x)
        return stats.norm.pdf(x) * np.log(d) + stats.norm.pdf(x, 1, 2) * np.log(1 - d)

    computed = theory.value(special.expit(1 - 0.7 * X), gaussian(), gaussian(1, 2), X)
    assert computed == pytest.approx(integrate.quad(payoff, -12, 12)[0], abs=1e-6)


def test_value_of_an_undecided_discriminator_is_minus_log_4():
    assert theory.value(np.full_like(X, 0.5), gaussian(), gaussian(3, 0.5), X) == pytest.approx(-np.log(4))


def test_certain_and_wrong_is_dear_but_finite():
    value = theory.value(np.zeros_like(X), gaussian(), gaussian(1), X)
    assert value == pytest.approx(np.log(1e-16), rel=1e-6)


def test_optimal_discriminator_of_two_gaussians_has_a_straight_logit():
    best = theory.optimal_discriminator(gaussian(0), gaussian(2))
    np.testing.assert_allclose(best, special.expit(2 - 2 * X), atol=1e-12)


def test_optimal_discriminator_says_half_where_there_is_nothing():
    np.testing.assert_array_equal(theory.optimal_discriminator([0.0, 1.0, 0.0], [0.0, 0.0, 2.0]), [0.5, 1.0, 0.0])


def test_nothing_near_the_optimal_discriminator_is_better():
    p, q = gaussian(), gaussian(1, 2)
    best = theory.optimal_discriminator(p, q)
    for wobble in (np.sin(X), np.cos(3 * X), np.ones_like(X)):
        values = [theory.value(special.expit(special.logit(best) + t * wobble), p, q, X) for t in (-0.01, 0, 0.01)]
        assert values[1] > max(values[0], values[2])


def test_value_of_the_best_is_twice_jsd_minus_log_4():
    # Far apart too, where D* rounds to 1.
    for q in (gaussian(0.5), gaussian(4), gaussian(-3, 0.3)):
        value = theory.value(theory.optimal_discriminator(gaussian(), q), gaussian(), q, X)
        assert value == pytest.approx(2 * theory.jensen_shannon(gaussian(), q, X) - np.log(4), abs=1e-9)


@pytest.mark.parametrize("mean, std", [(0.0, 1.0), (1.5, 1.0), (-1.0, 0.5), (0.3, 1.8)])
def test_kl_of_gaussians(mean, std):
    closed_form = np.log(std) + (1 + mean**2) / (2 * std**2) - 0.5  # KL(N(0, 1) ‖ N(mean, std²))
    assert theory.kl(gaussian(), gaussian(mean, std), X) == pytest.approx(closed_form, abs=1e-6)


def test_kl_is_infinite_where_q_has_nothing():
    assert theory.kl(gaussian(), stats.uniform.pdf(X, -2, 4), X) == np.inf


def test_jensen_shannon_against_adaptive_quadrature():
    def integrand(x):
        p, q = stats.norm.pdf(x), stats.norm.pdf(x, 1, 2)
        return (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))) / 2

    computed = theory.jensen_shannon(gaussian(), gaussian(1, 2), X)
    assert computed == pytest.approx(integrate.quad(integrand, -12, 12)[0], abs=1e-6)


def test_jensen_shannon_lies_between_0_and_log_2():
    assert theory.jensen_shannon(gaussian(), gaussian(), X) == pytest.approx(0, abs=1e-12)
    assert theory.jensen_shannon(gaussian(-8, 0.3), gaussian(8, 0.3), X) == pytest.approx(np.log(2))


def test_wasserstein_of_a_shift_is_the_shift():
    assert theory.wasserstein_1d(gaussian(-1), gaussian(2), X) == pytest.approx(3, abs=1e-5)
    # Same mean: E|x| of the standard normal, times the difference of the standard deviations.
    assert theory.wasserstein_1d(gaussian(), gaussian(0, 1.5), X) == pytest.approx(0.5 * np.sqrt(2 / np.pi), abs=1e-4)


def test_wasserstein_against_scipy_on_samples():
    random = np.random.default_rng(0)
    p = 0.3 * gaussian(-2, 0.5) + 0.7 * gaussian(1, 1)
    first = np.where(random.random(200_000) < 0.3, random.normal(-2, 0.5, 200_000), random.normal(1, 1, 200_000))
    sampled = stats.wasserstein_distance(first, random.normal(0, 2, 200_000))
    assert theory.wasserstein_1d(p, gaussian(0, 2), X) == pytest.approx(sampled, abs=0.02)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: theory.kl(2 * gaussian(), gaussian(), X), "p with values .* integral 2"),
        (lambda: theory.kl(gaussian(), -gaussian(), X), "q with values"),
        (lambda: theory.jensen_shannon(gaussian(), gaussian()[:-1], X), "q must be an array"),
        (lambda: theory.wasserstein_1d(gaussian(), gaussian(), X[::-1]), "x must be a grid"),
        (lambda: theory.value(2 * np.ones_like(X), gaussian(), gaussian(), X), r"expit"),
        (
            lambda: theory.value(np.full_like(X, np.nan), gaussian(), gaussian(), X),
            "discriminator must be an array",
        ),
        (lambda: theory.optimal_discriminator([1.0], [1.0, 2.0]), "p_real of shape"),
        (lambda: theory.optimal_discriminator([1.0], [-1.0]), "none of them negative"),
    ],
)
def test_refuses_what_is_no_density(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- the smallest GAN ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["minimax", "non_saturating", "wasserstein"])
def test_dirac_field_is_the_descent_of_the_packages_objectives(name):
    """θ' and ψ' against finite differences of what gan_lessons.objectives says each player minimises."""
    objective = objectives.get(name)

    def d_loss(theta, psi):
        return float(objective.discriminator_loss(np.float64([[0 * psi]]), np.float64([[psi * theta]])))

    def g_loss(theta, psi):
        return float(objective.generator_loss(np.float64([[psi * theta]])))

    small = 1e-2  # the objectives compute in float32
    for theta, psi in [(0.7, -0.4), (-1.2, -0.8), (0.3, 1.5)]:
        computed = DiracGAN(name).field(theta, psi)
        assert computed[0] == pytest.approx(
            -(g_loss(theta + small, psi) - g_loss(theta - small, psi)) / (2 * small), abs=1e-3
        )
        assert computed[1] == pytest.approx(
            -(d_loss(theta, psi + small) - d_loss(theta, psi - small)) / (2 * small), abs=1e-3
        )


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_penalty_in_the_field_is_its_derivative(target):
    def penalty(psi):
        return 0.3 * (abs(psi) - target) ** 2

    for psi in (-1.7, -0.2, 0.6):
        with_penalty = DiracGAN("wasserstein", penalty_weight=0.3, penalty_target=target).field(0.5, psi)[1]
        without = DiracGAN("wasserstein").field(0.5, psi)[1]
        assert with_penalty - without == pytest.approx(-(penalty(psi + 1e-6) - penalty(psi - 1e-6)) / 2e-6, abs=1e-6)


@pytest.mark.parametrize("objective, c", [("minimax", 0.5), ("non_saturating", 0.5), ("wasserstein", 1.0)])
@pytest.mark.parametrize("weight", [0.0, 0.3, 2.0])
def test_eigenvalues_against_the_closed_form(objective, c, weight):
    root = np.sqrt(complex(weight**2 - c**2))
    computed = DiracGAN(objective, penalty_weight=weight).eigenvalues()
    np.testing.assert_allclose(np.sort_complex(computed), np.sort_complex([-weight - root, -weight + root]), atol=1e-6)


def test_update_eigenvalues_at_once_and_alternating():
    h = 0.1
    wasserstein = DiracGAN("wasserstein")
    np.testing.assert_allclose(wasserstein.update_eigenvalues(h), [1 + 1j * h, 1 - 1j * h], atol=1e-8)
    # D first: the matrix of one step is [[1 − h², h], [−h, 1]], of determinant 1.
    matrix = np.array([[1 - h**2, h], [-h, 1]])
    alternating = wasserstein.update_eigenvalues(h, alternating=True)
    np.testing.assert_allclose(np.sort_complex(alternating), np.sort_complex(np.linalg.eigvals(matrix)), atol=1e-8)
    np.testing.assert_allclose(np.abs(alternating), 1, atol=1e-8)


def test_flow_against_the_matrix_exponential_and_scipy():
    times, path = DiracGAN("wasserstein").flow((1.0, 0.5), time=3)
    np.testing.assert_allclose(path[:, 0], np.cos(times) + 0.5 * np.sin(times), atol=1e-8)
    np.testing.assert_allclose(path[:, 1], 0.5 * np.cos(times) - np.sin(times), atol=1e-8)

    game = DiracGAN("non_saturating", penalty_weight=0.2)
    solved = integrate.solve_ivp(lambda t, point: game.field(*point), (0, 10), (1.0, 1.0), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(game.flow((1.0, 1.0), time=10)[1][-1], solved.y[:, -1], atol=1e-6)


def test_which_circle_and_which_settle():
    def distance(path):
        return np.hypot(*path.T)

    def flow(*arguments, **options):
        return distance(DiracGAN(*arguments, **options).flow((1.0, 1.0), time=80)[1])

    np.testing.assert_allclose(flow("minimax"), np.sqrt(2), rtol=1e-6)
    np.testing.assert_allclose(flow("wasserstein"), np.sqrt(2), rtol=1e-6)
    np.testing.assert_allclose(flow("wasserstein", clip=0.5)[4000:], 0.5, atol=0.01)
    assert flow("wasserstein", penalty_weight=0.5, penalty_target=1.0).min() > 0.5
    assert flow("non_saturating", penalty_weight=0.3)[-1] < 1e-6
    slow = flow("non_saturating")
    assert (1 / slow[-1] ** 2 - 1 / slow[4000] ** 2) / 40 == pytest.approx(1 / 8, rel=0.05)


def test_descend_is_gradient_descent():
    game = DiracGAN("minimax")
    theta, psi = 1.0, -0.5
    slope = game.field(theta, psi)
    np.testing.assert_allclose(game.descend((theta, psi), 1, 0.1)[1], [theta + 0.1 * slope[0], psi + 0.1 * slope[1]])
    new_psi = psi + 0.1 * slope[1]
    answer = theta + 0.1 * game.field(theta, new_psi)[0]
    np.testing.assert_allclose(game.descend((theta, psi), 1, 0.1, alternating=True)[1], [answer, new_psi])


def test_descend_at_once_grows_by_the_eigenvalue():
    distance = np.hypot(*DiracGAN("wasserstein").descend((1.0, 0.0), 200, 0.1).T)
    np.testing.assert_allclose(distance, 1.01 ** (np.arange(201) / 2), rtol=1e-9)


def test_clip_holds_in_every_step():
    game = DiracGAN("wasserstein", clip=0.5)
    assert np.abs(game.descend((1.0, 1.0), 100)[1:, 1]).max() == 0.5
    assert np.abs(game.flow((1.0, 1.0), 10)[1][1:, 1]).max() == 0.5


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: DiracGAN("hinge"), "objective must be one of"),
        (lambda: DiracGAN(penalty_weight=-1), "penalty_weight=-1"),
        (lambda: DiracGAN(clip=0), "clip=0"),
        (
            lambda: DiracGAN("wasserstein", penalty_weight=1, penalty_target=1.0).eigenvalues(),
            "kink at ψ = 0",
        ),
        (lambda: DiracGAN().flow((1.0,), 1), "start must be a pair"),
        (lambda: DiracGAN().flow((1.0, 1.0), time=0), "time=0"),
        (lambda: DiracGAN().descend((1.0, np.nan), 3), "start must be a pair"),
        (lambda: DiracGAN().descend((1.0, 1.0), 0), "steps=0"),
        (
            lambda: DiracGAN().update_eigenvalues(step_size=0),
            "step_size must be a positive number. Received: step_size=0",
        ),
    ],
)
def test_dirac_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()
