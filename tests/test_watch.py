"""Films of a GAN in the plane: arrows against closed forms and finite differences, frames against the model itself."""

import io

import keras
import numpy as np
import pytest
from PIL import Image

import gan_lessons as gl
from gan_lessons import toys, watch

POINTS = np.array([[0.3, -0.2], [1.0, 0.5], [-2.0, 0.1]], "float32")
W, B = np.array([2.0, -1.0]), np.array([0.5])


def sigmoid(logits):
    return 1 / (1 + np.exp(-np.asarray(logits, "float64")))


def players(units=8):
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units, "relu"), keras.layers.Dense(2)])
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units, "tanh"), keras.layers.Dense(1)])
    return generator, discriminator


def small_gan(**options):
    keras.utils.set_random_seed(0)
    gan = gl.GAN(*players(), latent_dim=2, **options)
    gan.compile(generator_optimizer=keras.optimizers.Adam(1e-2), discriminator_optimizer=keras.optimizers.Adam(1e-2))
    return gan


def linear_gan(objective):
    """A GAN whose D is w·x + b."""
    gan = gl.GAN(players()[0], keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), 2, objective=objective)
    gan.discriminator.set_weights([W[:, None], B])
    return gan


# The length of the arrow along ∇D, from D's logit.
CLOSED = {
    "non_saturating": lambda logits: 1 - sigmoid(logits),
    "minimax": sigmoid,
    "wasserstein": np.ones_like,
}


@pytest.mark.parametrize("objective", CLOSED)
def test_pull_of_a_linear_discriminator_is_the_closed_form(objective):
    expected = CLOSED[objective](POINTS @ W + B)[:, None] * W
    np.testing.assert_allclose(watch.pull(linear_gan(objective), POINTS), expected, rtol=1e-5)


@pytest.mark.parametrize("objective", ["non_saturating", "minimax"])
def test_pull_is_the_finite_difference_of_each_samples_loss(objective):
    gan = small_gan(objective=objective)
    step, expected = 1e-2, np.empty((3, 2))

    def loss(point):
        return float(gan.objective.generator_loss(gan.discriminate(point[None].astype("float32"), training=False)))

    for row, point in enumerate(POINTS):
        for axis in (0, 1):
            aside = step * np.eye(2)[axis]
            expected[row, axis] = -(loss(point + aside) - loss(point - aside)) / (2 * step)
    np.testing.assert_allclose(watch.pull(gan, POINTS), expected, atol=2e-4)


def test_one_samples_arrow_does_not_depend_on_the_others():
    gan = small_gan()
    np.testing.assert_allclose(watch.pull(gan, POINTS)[:1], watch.pull(gan, POINTS[:1]), rtol=1e-5)


def test_judgement_is_the_sigmoid_of_the_logit():
    np.testing.assert_allclose(watch.judgement(linear_gan("minimax"), POINTS), sigmoid(POINTS @ W + B), rtol=1e-5)


def test_pull_says_what_it_cannot_look_at():
    with pytest.raises(TypeError, match="discriminator"):
        watch.pull(players()[0], POINTS)
    gan = small_gan()
    gan.objective.generator_sees_real = True
    with pytest.raises(ValueError, match="fakes alone"):
        watch.pull(gan, POINTS)


@pytest.fixture
def ring():
    return toys.ring(std=0.05)


@pytest.fixture
def film(ring):
    return watch.Film(ring.sample(200, seed=0), every=2, count=10, resolution=5)


def test_a_turn_moves_one_player_and_leaves_the_other(ring, film):
    gan = small_gan()
    batch = ring.sample(32, seed=1)
    for player, other in [("discriminator", "generator"), ("generator", "discriminator")]:
        before = {name: [w.copy() for w in getattr(gan, name).get_weights()] for name in (player, other)}
        frame = film.turn(gan, player, batch, steps=3)
        for old, new in zip(before[other], getattr(gan, other).get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)
        assert any(
            (old != new).any() for old, new in zip(before[player], getattr(gan, player).get_weights(), strict=True)
        )
        assert frame.caption == f"{player[0].upper()} after 3"
    assert [frame.caption for frame in film.frames] == ["start", "D after 3", "G after 3"]
    np.testing.assert_array_equal(film.frames[0].fakes, film.frames[1].fakes)  # G stood still
    np.testing.assert_array_equal(film.frames[1].surface, film.frames[2].surface)  # D stood still


def test_ds_turn_lowers_ds_loss_and_gs_turn_lowers_gs(ring, film):
    gan = small_gan()
    batch = ring.sample(64, seed=1)

    def losses():
        fakes = gan.generate(64, seed=3)
        real, fake = gan.discriminate(batch, training=False), gan.discriminate(fakes, training=False)
        return float(gan.objective.discriminator_loss(real, fake)), float(gan.objective.generator_loss(fake))

    before = losses()
    film.turn(gan, "discriminator", batch, steps=20)
    between = losses()
    film.turn(gan, "generator", batch, steps=20)
    assert between[0] < before[0] and losses()[1] < between[1]


def test_fit_records_every_few_batches_and_goes_on(ring, film):
    gan = small_gan()
    gan.fit(ring.sample(32 * 5, seed=1), batch_size=32, epochs=1, verbose=0, callbacks=[film])
    assert [frame.caption for frame in film.frames] == ["step 0", "step 2", "step 4"]
    np.testing.assert_array_equal(watch.Film(film.real, count=10).look(gan, "").fakes, gan.generate(10, seed=0))
    gan.fit(ring.sample(32 * 2, seed=1), batch_size=32, epochs=1, verbose=0, callbacks=[film])
    assert [frame.caption for frame in film.frames] == ["step 0", "step 2", "step 4", "step 7"]


def test_recording_leaves_the_training_as_it_is(ring, film):
    weights = []
    for callbacks in ([], [film]):
        gan = small_gan()
        gan.fit(ring.sample(160, seed=1), batch_size=32, epochs=2, verbose=0, callbacks=callbacks)
        weights.append(gan.generator.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_surface_is_ds_judgement_with_the_first_row_at_the_bottom(film):
    gan = linear_gan("minimax")
    surface = film.look(gan, "").surface
    left, right, bottom, top = film.window
    corners = np.array([[left, bottom], [right, bottom], [left, top], [right, top]])
    np.testing.assert_allclose(
        [surface[0, 0], surface[0, -1], surface[-1, 0], surface[-1, -1]], sigmoid(corners @ W + B), rtol=1e-4
    )


def test_the_window_is_a_square_around_the_real_points():
    film = watch.Film([[0.0, 0.0], [4.0, 1.0]], room=0.25)
    assert film.window == (-1.0, 5.0, -2.5, 3.5)


def test_the_arrows_of_a_strip_have_one_scale_and_none_is_longer_than_a_quarter(film):
    gan = linear_gan("wasserstein")
    film.look(gan, "short")
    gan.discriminator.set_weights([3 * W[:, None], B])
    film.look(gan, "long")
    figure = film.strip(title="two")
    short, long = (next(c for c in axes.collections if hasattr(c, "U")) for axes in figure.axes)
    lengths = [np.hypot(quiver.U, quiver.V) for quiver in (short, long)]
    np.testing.assert_allclose(lengths[1], 3 * lengths[0], rtol=1e-5)
    gan.discriminator.set_weights([100 * W[:, None], B])
    film.look(gan, "very long")
    width = film.window[1] - film.window[0]
    film.frames += film.frames[:2] * 12  # so that the very long ones are fewer than one in ten
    last = next(c for c in film.strip().axes[2].collections if hasattr(c, "U"))
    np.testing.assert_allclose(np.hypot(last.U, last.V), width / 4, rtol=1e-5)


def test_strip_gif_and_slider_show_the_same_frames(film):
    gan = small_gan()
    for step in range(3):
        film.look(gan, f"step {step}")
    assert [axes.get_title() for axes in film.strip([2, 0, -1]).axes] == ["step 2", "step 0", "step 2"]
    assert film.strip(arrows=False)._repr_png_().startswith(b"\x89PNG")
    movie = film.gif()
    with Image.open(io.BytesIO(movie.data)) as gif:
        assert gif.n_frames == 3
    assert "step 0 to step 2" in movie.alt
    box = film.slider()
    picture, slider = box.children[1], box.children[0].children[1]
    first = picture.value
    slider.value = 2
    assert slider.max == 2 and picture.value != first
    slider.value = 0
    assert picture.value == first


def test_an_empty_film_and_wrong_arguments_say_so(ring, film):
    with pytest.raises(ValueError, match="no frame"):
        film.strip()
    film.look(small_gan(), "only")
    with pytest.raises(ValueError, match="frames 0 to 0"):
        film.strip([1])
    with pytest.raises(ValueError, match="player"):
        film.turn(small_gan(), "critic", ring.sample(8))
    with pytest.raises(ValueError, match=r"shape \(count, 2\)"):
        watch.Film(np.zeros((5, 3)))
    with pytest.raises(TypeError, match="every"):
        watch.Film(ring.sample(10), every=1.5)
