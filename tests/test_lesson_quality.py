"""What the lesson How good is it? writes out, against the package, SciPy and closed forms, number for number."""

import ast
import io
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image
from scipy import linalg, stats
from scipy.special import expit, rel_entr

import gan_lessons as gl

SCRIPT = Path(__file__).resolve().parent.parent / "notebooks" / "source" / "quality.py"
SOURCE = SCRIPT.read_text(encoding="utf-8")
CELLS = re.split(r"^# %%", SOURCE, flags=re.MULTILINE)[1:]


@pytest.fixture
def lesson():
    """The functions that the lesson defines, without running the lesson."""
    body = [node for node in ast.parse(SOURCE).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    names = {"np": np, "ops": ops, "gl": gl, "linalg": linalg, "stats": stats, "rel_entr": rel_entr, "sigmoid": expit}
    names |= {"Image": Image, "io": io, "FAST": True, "COUNT": 100, "keras": keras, "random": np.random.default_rng(0)}
    names |= {"x": np.linspace(-12, 12, 4801)}
    exec(compile(ast.Module(body=body, type_ignores=[]), SCRIPT.name, "exec"), names)
    return names


def two_samples(d=5, seed=0):
    random = np.random.default_rng(seed)
    return (random.normal(size=(90, d)) @ random.normal(size=(d, d)) + shift for shift in (0.0, 1.0))


@pytest.mark.parametrize("seed", range(5))
def test_the_classifier_score_is_the_metric(lesson, seed):
    probabilities = np.random.default_rng(seed).dirichlet(np.full(4, 0.3), size=200)
    metric = gl.metrics.InceptionScore(splits=1)
    metric.update_state(probabilities)
    assert lesson["inception_score"](probabilities) == pytest.approx(metric.result(), rel=1e-6)
    p_y = probabilities.mean(0)
    by_entropies = np.exp(stats.entropy(p_y) - np.mean([stats.entropy(one) for one in probabilities]))
    assert lesson["inception_score"](probabilities) == pytest.approx(by_entropies, rel=1e-6)
    assert lesson["entropy"](probabilities)[0] == pytest.approx(stats.entropy(probabilities[0]))


def test_the_score_on_the_line_is_that_of_samples(lesson):
    points = np.random.default_rng(0).normal(np.repeat([-1.5, 1.5], 100_000))
    right = expit(2 * points)
    expected = lesson["inception_score"](np.stack([right, 1 - right], axis=1))
    assert lesson["score_on_the_line"](lesson["two_bumps"](1.5)) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_the_distance_in_the_plane_is_the_packages(lesson, seed):
    random = np.random.default_rng(seed)
    factors, means = random.normal(size=(2, 2, 2)), random.normal(size=(2, 2))
    a, b = (factor @ factor.T for factor in factors)
    expected = gl.metrics.frechet(means[0], a, means[1], b)
    assert lesson["frechet_in_the_plane"](means[0], a, means[1], b) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_the_distance_of_samples_is_the_metric(lesson, seed):
    real, made = two_samples(seed=seed)
    metric = gl.metrics.FrechetDistance()
    metric.update_real(real)
    metric.update_state(made)
    for name in ("frechet_distance", "frechet"):
        assert lesson[name](real, made) == pytest.approx(metric.result(), rel=1e-6)
    assert gl.checks.quality.frechet_distance(lesson["frechet_distance"])


@pytest.mark.parametrize("block", [7, 50, 1000])
def test_the_kernel_distance_in_blocks_is_the_packages(lesson, block):
    real, made = two_samples()
    expected = gl.metrics.kernel_distance(real, made[:70])
    assert lesson["kernel_distance"](real, made[:70], block) == pytest.approx(expected, rel=1e-9)


def test_parts_are_cut_one_after_the_other(lesson):
    pairs = np.arange(100.0), np.arange(100.0)
    mean, error = lesson["over_parts"](lambda a, b: (a + b).mean() / 2, *pairs, 30)
    parts = np.array([14.5, 44.5, 74.5])
    assert mean == pytest.approx(parts.mean()) and error == pytest.approx(parts.std(ddof=1) / 3**0.5)
    assert lesson["over_parts"](lambda a, b: len(a), *pairs, 100) == (100, None)


def test_the_gaussian_has_the_moments(lesson):
    _, made = two_samples()
    drawn = lesson["gaussian_with_the_moments_of"](made, 100_000)
    np.testing.assert_allclose(drawn.mean(0), made.mean(0), atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(made.T), atol=0.2)


@pytest.mark.parametrize("seed", range(5))
def test_the_steepness_is_the_norm_of_the_jacobian(lesson, seed):
    """Of a linear generator, whose Jacobian is its matrix; in the mean over many directions."""

    class Linear:
        matrix = np.random.default_rng(seed).normal(size=(20, 16)).astype("float32")

        def generate(self, latents):
            return (latents @ self.matrix).reshape(-1, 4, 4, 1)

    latents = np.random.default_rng(seed).normal(size=(3, 20)).astype("float32")
    found = lesson["steepness"](Linear(), latents, directions=4_000)
    np.testing.assert_allclose(found, np.linalg.norm(Linear.matrix), rtol=0.03)


def test_resizing_is_pillows(lesson):
    """With an antialiasing filter bilinear resizing is Pillow's."""
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28)).astype("float32")
    images = (pixels / 127.5 - 1)[None, ..., None]
    picture = Image.fromarray(pixels)
    for size in (20, 28):
        picture = picture.resize((size, size), Image.Resampling.BILINEAR)
    expected = np.asarray(picture) / 127.5 - 1
    np.testing.assert_allclose(lesson["resized"](images, 20, antialias=True)[0, ..., 0], expected, atol=1e-4)
    assert np.abs(lesson["resized"](images, 20, antialias=False)[0, ..., 0] - expected).mean() > 0.02


def test_a_jpeg_changes_little_and_less_the_better_it_is(lesson):
    ramp = np.linspace(-1, 1, 28, dtype="float32")
    images = np.broadcast_to(ramp[None, None, :, None] * ramp[None, :, None, None], (3, 28, 28, 1))
    worst = [np.abs(lesson["through_jpeg"](images, quality) - images).max() for quality in (10, 95)]
    assert lesson["through_jpeg"](images, 75).shape == images.shape
    assert 0 < worst[1] < 0.05 < worst[0] < 1


def test_every_exercise_is_asked():
    for name in gl.checks.exercises("quality"):
        assert f"gl.checks.quality.{name}(" in SOURCE


def test_cells_fit_on_a_screen():
    bodies = ["\n".join(cell.splitlines()[1:]).strip().splitlines() for cell in CELLS]
    assert {body[0]: len(body) for body in bodies if len(body) > 32} == {}


def test_real_images_are_shown_only_in_tagged_cells():
    shown = re.compile(r"(show_images|image_rows)\([^)]*\b(images|reference|others|real)\b\s*[\[,:]", re.DOTALL)
    for cell in CELLS:
        if shown.search(cell):
            assert 'tags=["real-images"]' in cell.splitlines()[0], cell
