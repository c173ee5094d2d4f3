"""The toy distributions against what they are said to be."""

import numpy as np
import pytest
from scipy import stats

from gan_lessons import toys

TOYS = [toys.ring(), toys.grid(), toys.moons(), toys.lines()]


@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: toy.name)
def test_samples_are_float32_points_and_the_seed_fixes_them(toy):
    samples = toy.sample(500, seed=3)
    assert samples.shape == (500, 2) and samples.dtype == np.float32
    np.testing.assert_array_equal(samples, toy.sample(500, seed=3))
    assert not np.array_equal(samples, toy.sample(500, seed=4))
    assert not np.array_equal(toy.sample(500), toy.sample(500))


@pytest.mark.parametrize("toy, modes, std", [(TOYS[0], 8, 0.01), (TOYS[1], 25, 0.05)], ids=["ring", "grid"])
def test_mixtures_have_equal_weights_and_the_stated_spread(toy, modes, std):
    samples = toy.sample(20_000, seed=0).astype("float64")
    assert toy.modes.shape == (modes, 2) and toy.std == std
    nearest = np.linalg.norm(samples[:, None] - toy.modes, axis=2).argmin(axis=1)
    counts = np.bincount(nearest, minlength=modes)
    expected = 20_000 / modes
    assert ((counts - expected) ** 2 / expected).sum() < modes + 5 * np.sqrt(2 * modes)  # chi-squared, five sigma
    residuals = samples - toy.modes[nearest]
    np.testing.assert_allclose(residuals.std(axis=0), std, rtol=0.03)
    np.testing.assert_allclose(residuals.mean(axis=0), 0, atol=5 * std / np.sqrt(20_000))


def test_modes_lie_where_pacgan_put_them():
    np.testing.assert_allclose(np.linalg.norm(toys.ring().modes, axis=1), 1)
    np.testing.assert_allclose(toys.ring().modes[2], [0, 1], atol=1e-12)
    assert {tuple(mode) for mode in toys.grid().modes} == {(a, b) for a in range(-4, 5, 2) for b in range(-4, 5, 2)}
    assert toys.ring(modes=3, radius=2.0).modes.shape == (3, 2)


def test_moons_without_noise_lie_on_two_half_circles():
    samples = toys.moons(noise=0.0).sample(2000, seed=0).astype("float64")
    on_upper = np.isclose(np.linalg.norm(samples, axis=1), 1, atol=1e-6) & (samples[:, 1] >= 0)
    on_lower = np.isclose(np.linalg.norm(samples - [1, 0.5], axis=1), 1, atol=1e-6) & (samples[:, 1] <= 0.5 + 1e-6)
    assert (on_upper | on_lower).all()
    assert 0.45 < on_upper.mean() < 0.55 and 0.45 < on_lower.mean() < 0.55


def test_lines_are_upright_segments():
    samples = toys.lines(positions=(-1.0, 0.0, 2.0)).sample(3000, seed=0)
    assert set(np.unique(samples[:, 0])) == {-1.0, 0.0, 2.0}
    assert 0 <= samples[:, 1].min() < 0.01 and 0.99 < samples[:, 1].max() <= 1
    assert toys.lines(noise=0.1).sample(3000, seed=0)[:, 0].std() == pytest.approx(np.sqrt(0.25 + 0.01), rel=0.03)
    assert toys.lines(2.0).sample(5)[:, 0].tolist() == [2.0] * 5


def test_modes_covered_counts_within_three_standard_deviations():
    ring = toys.ring()
    assert toys.modes_covered(ring.sample(2500, seed=0), ring) == 8
    assert toys.modes_covered(toys.grid().sample(2500, seed=0), toys.grid()) == 25
    assert toys.modes_covered([[1.0, 0.029], [0.0, -1.031], [0.0, 0.0]], ring) == 1  # inside, outside, nowhere near
    assert toys.modes_covered([[0.0, -1.031]], ring, radius=4) == 1
    assert toys.modes_covered(ring.modes[[0, 0, 3]], ring) == 2  # a mode counts once
    assert toys.modes_covered(np.empty((0, 2)), ring) == 0


def test_dataset_yields_every_sample_once_an_epoch_in_a_new_order():
    samples = np.arange(20, dtype="float64").reshape(10, 2)
    dataset = toys.as_dataset(samples, batch_size=4, seed=0)
    first, second = ([batch.numpy() for batch in dataset] for _ in range(2))
    assert [len(batch) for batch in first] == [4, 4, 2] and first[0].dtype == np.float32
    assert sorted(np.concatenate(first)[:, 0]) == sorted(samples[:, 0])
    assert not np.array_equal(np.concatenate(first), np.concatenate(second))
    again = [batch.numpy() for batch in toys.as_dataset(samples, batch_size=4, seed=0)]
    np.testing.assert_array_equal(np.concatenate(again), np.concatenate(first))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: toys.ring(modes=0), "modes=0"),
        (lambda: toys.ring(std=-1.0), "std=-1.0"),
        (lambda: toys.grid(side=2.5), "side=2.5"),
        (lambda: toys.grid(spacing=0), "spacing=0"),
        (lambda: toys.moons(noise=-0.1), "noise=-0.1"),
        (lambda: toys.lines(positions=()), "positions must be"),
        (lambda: toys.lines(noise=np.nan), "noise=nan"),
        (lambda: toys.ring().sample(0), "count=0"),
        (lambda: toys.modes_covered(np.zeros((3, 2)), toys.moons()), r"ring\(\) or grid\(\)"),
        (lambda: toys.modes_covered(np.zeros((3, 3)), toys.ring()), r"shape \(3, 3\)"),
        (lambda: toys.modes_covered([[np.nan, 0.0]], toys.ring()), "finite points"),
        (lambda: toys.modes_covered(np.zeros((3, 2)), toys.ring(), radius=0), "radius=0"),
        (lambda: toys.as_dataset(np.empty((0, 2))), "count > 0"),
        (lambda: toys.as_dataset(np.zeros((3, 2)), batch_size=0), "batch_size=0"),
    ],
)
def test_refuses(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_share_on_modes_tells_a_cloud_from_samples():
    grid = toys.grid()
    assert toys.share_on_modes(grid.sample(20_000, seed=0), grid) == pytest.approx(1 - np.exp(-4.5), abs=0.003)
    cloud = np.random.default_rng(0).uniform(-5, 5, size=(20_000, 2))
    assert toys.modes_covered(cloud, grid) == 25
    assert toys.share_on_modes(cloud, grid) == pytest.approx(25 * np.pi * 0.15**2 / 100, abs=0.003)
    with pytest.raises(ValueError, match="modes"):
        toys.share_on_modes(cloud, toys.moons())


def test_reverse_kl_is_that_of_the_shares_of_the_modes():
    ring = toys.ring(modes=8)
    np.testing.assert_allclose(toys.reverse_kl(ring.modes, ring), 0, atol=1e-12)
    np.testing.assert_allclose(toys.reverse_kl(0.5 * ring.modes[[3]], ring), np.log(8))
    shares = np.array([5, 3, 2, 0, 0, 0, 0, 0]) / 10
    samples = np.repeat(ring.modes[:3], [5, 3, 2], axis=0)
    np.testing.assert_allclose(toys.reverse_kl(samples, ring), stats.entropy(shares, np.full(8, 1 / 8)))
    with pytest.raises(ValueError, match="without modes"):
        toys.reverse_kl(samples, toys.moons())


def test_scale_is_the_largest_coordinate_of_a_centre():
    assert [toy.scale for toy in (toys.ring(radius=3), toys.grid(), toys.moons())] == pytest.approx([3, 4, 1])
