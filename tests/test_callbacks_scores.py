"""`ScoreMonitor`: its scores against the metric by itself, in the logs and for the callbacks that follow them."""

import keras
import numpy as np
import pytest
from watching import Stop, Toy, fit, make_gan, real_images, train_with

import gan_lessons as gl
from gan_lessons.callbacks import ScoreMonitor


@pytest.fixture
def means():
    """Features that cost nothing: the mean of each row of an image of 6×8."""
    inputs = keras.Input((6, 8, 1))
    rows = keras.layers.Reshape((6,))(keras.ops.mean(inputs, axis=2))
    return gl.features.Extractor(keras.Model(inputs, rows), "row means")


def monitor(means, **kwargs):
    settings = {"count": 30, "features": means, "cache": False, "verbose": 0} | kwargs
    return ScoreMonitor(settings.pop("data", real_images(80)), **settings)


class Scored(keras.callbacks.Callback):
    """The Fréchet distance of what generate() gives after each epoch, by the metric itself."""

    def __init__(self, means):
        super().__init__()
        self.means, self.distances = means, {}

    def measure(self, epochs):
        distance = gl.metrics.FrechetDistance(self.means)
        distance.update_real(real_images(80)[:30])
        distance.update_state(self.model.generate(30, seed=0))
        self.distances[epochs] = distance.result()

    def on_epoch_begin(self, epoch, logs=None):
        self.measure(epoch)

    def on_epoch_end(self, epoch, logs=None):
        self.measure(epoch + 1)


@pytest.mark.parametrize("every, scored", [(1, [1, 2, 3, 4, 5]), (2, [0, 2, 4, 5]), (3, [0, 3, 5]), (9, [0, 5])])
def test_scores_are_in_the_logs(means, every, scored):
    scores, truth = monitor(means, every=every), Scored(means)
    history = fit(Toy(), scores, truth, epochs=5).history
    assert list(scores.cards) == scored
    for epochs, card in scores.cards.items():
        assert card.scores["frechet_distance"] == pytest.approx(truth.distances[epochs], rel=1e-5)
    # Between two scores stands the last one.
    latest = [max(at for at in scored if at <= epoch + 1) for epoch in range(5)]
    assert history["frechet_distance"] == [scores.cards[at].scores["frechet_distance"] for at in latest]
    assert scores.reference.floor["frechet_distance"] < min(history["frechet_distance"])


def test_all_the_scores_that_are_asked_for_are_in_the_logs(means):
    history = fit(Toy(), monitor(means, scores=("kernel_distance", "precision_recall")), epochs=2).history
    assert set(history) == {"d_loss", "g_loss", "kernel_distance", "precision", "recall", "density", "coverage"}


class Drifts(Toy):
    """Images that are like the real ones after three epochs, less so before and after."""

    def generate(self, count, seed):
        off = abs(float(self.weight) - 0.9)
        return np.clip(real_images(80)[30 : 30 + count] - off, -1, 1).astype("float32")


def test_the_best_is_kept_and_a_training_that_gets_worse_is_stopped(means, tmp_path):
    gan = make_gan()
    losses = {"monitor": "frechet_distance", "mode": "min"}
    best = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", save_best_only=True, **losses)
    scores = monitor(means)
    history = fit(gan, scores, best, epochs=6).history["frechet_distance"]
    kept = keras.models.load_model(tmp_path / "best.keras")
    assert scores.reference.score(kept, verbose=0).scores["frechet_distance"] == pytest.approx(min(history), rel=1e-5)
    assert len(set(history)) == 6

    toy = Drifts()
    stopped = fit(toy, monitor(means), keras.callbacks.EarlyStopping(patience=2, **losses), epochs=20).history
    distances = stopped["frechet_distance"]
    assert len(distances) == 5 and np.argmin(distances) == 2, "best after the third epoch, and two more"
    # Scored every second epoch, best at the fourth's end of those, and the patience counted in epochs.
    stopped = fit(Drifts(), monitor(means, every=2), keras.callbacks.EarlyStopping(patience=4, **losses), epochs=20)
    assert len(stopped.history["frechet_distance"]) in (6, 8)


def test_scores_go_on_after_backup_and_restore(means, tmp_path):
    def chosen():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup"), monitor(means, every=2)

    whole = monitor(means, every=2)
    fit(make_gan(), whole, epochs=6)
    with pytest.raises(RuntimeError):
        fit(make_gan(), *chosen(), Stop(RuntimeError(), epoch=3), epochs=6)
    backup, resumed = chosen()
    history = fit(make_gan(seed=1), backup, resumed, epochs=6).history
    # It begins again after three epochs, which is not divisible by two: there is a score of it for epoch four's place.
    assert list(resumed.cards) == [3, 4, 6] and len(history["frechet_distance"]) == 6
    for at in (4, 6):
        assert resumed.cards[at].scores == pytest.approx(whole.cards[at].scores, rel=1e-5)


def test_a_second_fit_counts_scores_on(means):
    gan, scores = Toy(), monitor(means, every=2)
    fit(gan, scores, epochs=3)
    assert list(scores.cards) == [0, 2, 3]
    reference = scores.reference
    fit(gan, scores, epochs=6, initial_epoch=3)
    assert list(scores.cards) == [3, 4, 6] and scores.reference is reference
    shared = monitor(means, data=reference)
    fit(gan, shared, epochs=1)
    assert shared.reference is reference


def test_a_scored_training_is_the_same_bit_for_bit():
    history, state, drawn = train_with()
    gl.features.mnist.cache_clear()  # to load it is a part of what must leave no trace
    scores = ScoreMonitor(real_images(80), every=2, count=30, scores=tuple(gl.scoring.METRICS), cache=False, verbose=0)
    scored_history, scored_state, scored_drawn = train_with(scores)
    assert history == {name: scored_history[name] for name in history} and "recall" in scored_history
    assert all(np.array_equal(a, b) for a, b in zip(state, scored_state, strict=True))
    assert drawn == scored_drawn


def test_a_training_that_diverges_has_the_worst_score_and_goes_on(means):
    gan = Toy()
    gan.weight.assign(np.nan)
    scores = monitor(means, scores=("frechet_distance", "precision_recall"))
    history = fit(gan, scores, epochs=2).history
    assert history["frechet_distance"] == [np.inf, np.inf] and history["coverage"] == [0, 0]


def test_the_first_card_is_printed(means, capsys):
    scores = monitor(means, verbose=1)
    fit(Toy(), scores, epochs=2)
    out = capsys.readouterr().out
    assert out == f"\nEpochs trained: 1.\n{scores.cards[1]}\n" and "30 real images in place of the generated" in out


def test_what_cannot_be_monitored_is_refused(means):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match="ScoreMonitor goes with a model that has generate.*Sequential"):
        model.fit(np.zeros((4, 2)), np.zeros((4, 1)), verbose=0, callbacks=[monitor(means)])
    for name, value in [("every", 0), ("every", 1.5), ("count", 19), ("count", "25"), ("seed", None), ("seed", -1)]:
        error = ValueError if type(value) is int else TypeError
        with pytest.raises(error, match=rf"{name} must be an integer of at least \d+. Received: {name}={value!r}"):
            monitor(means, **{name: value})
    with pytest.raises(ValueError, match="scores must be some of"):
        monitor(means, scores="fid")
    with pytest.raises(ValueError, match="have one shape"):
        fit(Toy(), monitor(means, data=real_images(80)[:, :4]))


def test_any_model_that_generates_is_scored_in_its_range(means):
    class Bytes(keras.Model):
        """Neither a GAN, nor players, nor latents, nor an optimizer: images from 0 to 255 by a count and a seed."""

        value_range = (0.0, 255.0)

        def __init__(self):
            super().__init__()
            self.built = True
            self.compile(optimizer=None, run_eagerly=True)

        def train_step(self, data):
            return {"loss": 0.0}

        def generate(self, count, seed):
            return np.random.default_rng(seed).uniform(0, 255, (count, 6, 8, 1)).astype("float32")

    model, scores = Bytes(), monitor(means, data=(real_images(80) + 1) * 127.5)
    history = model.fit(real_images(), verbose=0, epochs=2, callbacks=[scores]).history
    distance = gl.metrics.FrechetDistance(means)
    distance.update_real(real_images(80)[:30])
    distance.update_state(model.generate(30, seed=0) / 127.5 - 1)
    assert history["frechet_distance"] == [pytest.approx(distance.result(), rel=1e-4)] * 2


class Counted(Toy):
    """Fails to generate after its first epoch of three batches, or generates images of another shape."""

    fails = ()
    narrow = False

    def generate(self, count, seed):
        if round(float(self.weight) * 10 / 3) in self.fails:
            raise RuntimeError("out of memory")
        images = super().generate(count, seed)
        return images[:, :, :4] if self.narrow else images


@pytest.mark.parametrize("every, fails, kept", [(1, (2, 3), [1, 4]), (2, (2,), [0, 4]), (2, (4,), [0, 2])])
def test_a_score_that_fails_is_one_warning_and_the_last_is_repeated(means, every, fails, kept):
    model, scores = Counted(), monitor(means, every=every)
    model.fails = fails
    with pytest.warns(UserWarning, match="could not be scored: RuntimeError: out of memory .*goes on") as warned:
        history = fit(model, scores, epochs=4).history["frechet_distance"]
    assert sum("could not be scored" in str(one.message) for one in warned) == 1
    assert list(scores.cards) == kept
    latest = [max(at for at in kept if at <= epoch) for epoch in (1, 2, 3, 4)]
    assert history == [scores.cards[at].scores["frechet_distance"] for at in latest]


def test_a_first_score_that_fails_is_the_worst(means):
    model = Counted()
    model.fails = (1,)
    with pytest.warns(UserWarning, match="could not be scored"):
        history = fit(model, monitor(means), epochs=2).history["frechet_distance"]
    assert history[0] == np.inf and np.isfinite(history[1])


@pytest.mark.parametrize("every", [1, 2])
def test_samples_that_cannot_be_scored_are_refused_before_the_first_step(means, every):
    model = Counted()
    model.narrow = True
    with pytest.raises(ValueError, match=r"one shape.*\(6, 4, 1\).*\(6, 8, 1\)"):
        fit(model, monitor(means, every=every))
    assert float(model.weight) == 0
    model = Counted()
    model.fails = (0,)
    with pytest.raises(RuntimeError, match="out of memory"):
        fit(model, monitor(means, every=every))
    assert float(model.weight) == 0
