"""Score cards: what they say, that they say it of the right images, and how scores move when images are spoilt."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from scipy import ndimage
from tqdm.auto import tqdm

import gan_lessons as gl
from gan_lessons import data, features, metrics, scoring
from gan_lessons.scoring import METRICS, Reference, ScoreCard, score

SHAPE = (6, 5, 1)
LATENT_DIM = 4


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Nothing is written into the home of whoever runs the tests."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras" / "gan_lessons"


def small_extractor(shape=SHAPE, classes=True):
    keras.utils.set_random_seed(3)
    inputs = keras.Input(shape)
    code = layers.Dense(5, "tanh", name="code")(layers.Flatten()(layers.AveragePooling2D(2)(inputs)))
    outputs = layers.Dense(3, "softmax")(code) if classes else code
    return features.Extractor(keras.Model(inputs, outputs), "small features", layer="code" if classes else None)


def images(count=90, seed=0, shape=SHAPE):
    return np.random.default_rng(seed).uniform(-1, 1, (count, *shape)).astype("float32")


def make_gan(shape=SHAPE, name="gan", activation="tanh"):
    keras.utils.set_random_seed(0)
    latents = keras.Input((LATENT_DIM,))
    x = layers.Reshape(shape)(layers.Dense(int(np.prod(shape)), activation)(latents))
    gan = gl.GAN(keras.Model(latents, x), gl.networks.mlp_discriminator(shape, units=(4,)), LATENT_DIM, name=name)
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.9), discriminator_optimizer="adam"
    )
    return gan


def quiet(gan, real, **kwargs):
    return score(gan, real, **{"features": small_extractor(), "verbose": 0, "cache": False} | kwargs)


# --- what a card says ----------------------------------------------------------------------------------------------


def test_a_card_is_what_the_metrics_say_of_the_same_images():
    gan, extractor, real = make_gan(), small_extractor(), images(200)
    card = quiet(gan, real, features=extractor, count=80, seed=7)
    made = gan.generate(80, seed=7)
    assert isinstance(card, ScoreCard)
    for of, subject in ((card.scores, made), (card.floor, real[80:160])):
        expected = {}
        for name, kind in METRICS.items():
            metric = kind(extractor)
            if name != "inception_score":
                metric.update_real(real[:80])
            metric.update_state(subject)
            result = metric.result()
            expected |= result if isinstance(result, dict) else {name: result}
        assert of == pytest.approx(expected, rel=1e-5)
    assert card.scores["frechet_distance"] > 5 * card.floor["frechet_distance"]
    assert set(card.spreads) == set(card.floor_spreads) == {"kernel_distance", "inception_score"}


def test_what_a_printed_card_has(capsys, monkeypatch):
    moved, update = [], tqdm.update
    monkeypatch.setattr(tqdm, "update", lambda bar, count: moved.append(count) or update(bar, count))
    card = score(make_gan(name="mine"), images(200), count=60, features=small_extractor(), seed=3, cache=False)
    printed = capsys.readouterr()
    assert printed.out == f"{card}\n"
    assert "Scoring mine" in printed.err and "/60" in printed.err and sum(moved) == 3 * 60
    text = str(card)
    lines = text.splitlines()
    assert lines[0].split() == ["mine", "floor"]
    for words in ("Fréchet distance, small features", "kernel distance, small", "recall (k = 3), small features"):
        assert words in text
    assert "FID" not in text
    assert f"{card.scores['frechet_distance']:.4g}" in lines[1] and f"{card.floor['frechet_distance']:.4g}" in lines[1]
    assert lines[1].endswith("lower is better") and lines[3].endswith("higher is better") and "±" in lines[2]
    assert "n: 60 generated (seed 3), against 60 real: images that were given, 60 of all." in text
    assert "Floor: 60 real images in place of the generated: images that were given, another 60 of all." in text
    assert len({line.rindex("is better") for line in lines[1:8]}) <= 2, "in columns"
    quiet(make_gan(), images(200), count=60)
    assert capsys.readouterr() == ("", "")


def test_features_and_what_was_done_to_images_are_said():
    card = quiet(images(60, shape=(8, 8, 3)), images(140, seed=1, shape=(8, 8, 3)), features="mnist", count=60)
    assert card.features == "MNIST features" and "numbers before the classes, in the bundled classifier" in str(card)
    assert "images colour reduced to brightness; resized from 8×8 to 28×28, bilinear." in str(card)
    assert "n: 60 generated, against 60 real" in str(card) and card.seed is None


def test_the_features_follow_the_channels():
    for shape, title in (((8, 8, 1), "MNIST features"), ((8, 8, 3), "CIFAR-10 features")):
        reference = Reference(images(60, shape=shape), scores="frechet_distance", cache=False, verbose=0)
        assert reference.extractor.title == title and reference.count == 30


def test_the_average_of_the_weights_is_scored():
    gan, real = make_gan(), images(200)
    gan.fit(real, batch_size=20, epochs=3, verbose=0)
    card = quiet(gan, real, count=80)
    assert card.scores == pytest.approx(quiet(gan.generate(80, seed=0), real, count=80).scores, rel=1e-5)
    last = np.asarray(gan.generator(gan.sample_latents(80, seed=0)))
    distance = quiet(last, real, count=80).scores["frechet_distance"]
    assert abs(distance / card.scores["frechet_distance"] - 1) > 0.01


class Others:
    """A model that someone else wrote: no latents, no generator, no shape, nothing but generate."""

    name = "noise"

    def __init__(self, shape=SHAPE, kind=np.asarray):
        self.shape_of_all, self.kind, self.asked = shape, kind, []

    def generate(self, count, seed):
        self.asked.append((count, seed))
        return self.kind(images(count, seed, self.shape_of_all))


@pytest.mark.parametrize("kind", [np.asarray, tf.constant, lambda x: tf.cast(x, "float16")])
def test_any_model_that_generates_is_scored(kind):
    others = Others(kind=kind)
    card = quiet(others, images(200, seed=1), count=70, seed=5)
    assert card.subject == "noise" and card.seed == 5
    expected = quiet(images(70, seed=5), images(200, seed=1), count=70)
    assert card.scores == pytest.approx(expected.scores, rel=0.02 if kind(0.0).dtype == "float16" else 1e-9)
    assert (70, 5) in others.asked and all(count == 1 for count, _ in others.asked if count != 70)


def test_a_named_set_is_brought_to_the_size_of_any_model():
    card = quiet(Others((14, 14, 1)), "standin_digits", features="mnist", count=40, scores="frechet_distance")
    assert "resized from 14×14 to 28×28" in str(card)


@pytest.mark.parametrize("name, expected", [("value_range", (0.0, 1.0)), ("other", None)])
def test_the_range_that_a_model_declares(name, expected):
    others = Others(kind=lambda x: x / 2 + 0.5)
    setattr(others, name, (0, 1))
    real = images(200, seed=1)
    if expected:
        card = quiet(others, real / 2 + 0.5, count=70)
        assert card.scores == pytest.approx(quiet(images(70, seed=0), real, count=70).scores, rel=1e-4)
    else:
        with pytest.raises(ValueError, match="data must be images in value_range"):
            quiet(others, real / 2 + 0.5, count=70)


@pytest.mark.parametrize("shape", [(7,), (24, 3), (9, 8, 8, 1)], ids=["table", "series", "video"])
def test_samples_that_are_not_images_are_refused_in_words_that_fit(shape):
    words = "images of shape .height, width, channels.. Received: samples of shape .*update_real.numbers."
    for attempt in (
        lambda: score(Others(shape), images(60, shape=shape)),
        lambda: score(Others(shape), "mnist"),
        lambda: Reference("mnist", image_shape=shape),
        lambda: Reference(images(60), cache=False, features=small_extractor(), verbose=0).score(Others(shape)),
    ):
        with pytest.raises(ValueError, match=words) as caught:
            attempt()
        assert not any(word in str(caught.value) for word in ("pixel", "127.5", "[0, 1]", "tanh"))


def test_the_advice_for_tables_works():
    made, real = images(300, shape=(7,)), images(300, seed=1, shape=(7,))
    metric = gl.metrics.FrechetDistance()
    metric.update_real(real)
    metric.update_state(made)
    means = ((made.mean(0) - real.mean(0)) ** 2).sum()
    assert means < metric.result() < means + 0.05


def test_a_model_that_makes_fewer_than_it_was_asked_for():
    others = Others(kind=lambda x: x[:30])
    with pytest.raises(ValueError, match="as many images as count. Received: 30 for count=70"):
        quiet(others, images(200), count=70)


def test_scores_that_were_asked_for():
    card = quiet(make_gan(), images(100), scores=("precision_recall", "frechet_distance"))
    assert list(card.scores) == ["precision", "recall", "density", "coverage", "frechet_distance"]
    without = small_extractor(classes=False)
    assert "inception_score" not in quiet(make_gan(), images(100), features=without).scores
    with pytest.raises(ValueError, match="inception_score needs the features of a classifier"):
        quiet(make_gan(), images(100), features=without, scores="inception_score")


# --- which images are compared -------------------------------------------------------------------------------------


def seen_by(monkeypatch):
    """The sets of images that an extractor is shown from now on, in order."""
    seen = []
    original = Reference._outputs

    def record(self, chunks, title, verbose):
        parts = list(chunks)
        seen.append(np.concatenate(parts))
        return original(self, iter(parts), title, verbose)

    monkeypatch.setattr(Reference, "_outputs", record)
    return seen


def tiny(**kwargs):
    """A reference that costs next to nothing, whatever the images."""
    inputs = keras.Input((None, None, kwargs.pop("channels", 1)))
    x = layers.Dense(3)(layers.GlobalAveragePooling2D()(inputs))
    kwargs = {"features": keras.Model(inputs, x), "scores": "frechet_distance", "verbose": 0} | kwargs
    return Reference(kwargs.pop("data"), **kwargs)


def test_a_named_set_is_compared_in_train_and_its_floor_is_test(monkeypatch):
    seen = seen_by(monkeypatch)
    reference = tiny(data="standin_digits", count=200)
    real, other = seen
    np.testing.assert_array_equal(real, data.arrays("standin_digits", "train")[0][:200])
    np.testing.assert_array_equal(other, data.arrays("standin_digits", "test")[0][:200])
    assert (reference.split, reference.floor_split) == ("train[:200]", "test[:200]")
    assert reference.title.startswith("stand-in digits") and reference.count == 200


def test_too_small_a_test_set_is_filled_up_from_train(monkeypatch):
    seen = seen_by(monkeypatch)
    reference = tiny(data="standin_scenes", channels=3)  # 5,000 and 1,000
    real, other = seen
    train, test = (data.arrays("standin_scenes", split)[0] for split in ("train", "test"))
    assert reference.count == 3000
    np.testing.assert_array_equal(real, train[:3000])
    np.testing.assert_array_equal(other, np.concatenate([test, train[3000:5000]]))
    assert (reference.split, reference.floor_split) == ("train[:3000]", "test[:1000] and train[3000:5000]")


def test_a_named_set_is_brought_to_the_generators_size():
    card = quiet(make_gan((14, 14, 1)), "standin_digits", features="mnist", count=40, scores="frechet_distance")
    assert "resized from 14×14 to 28×28" in str(card)
    with pytest.raises(ValueError, match=r"one shape. Received: \(14, 14, 3\) against .* \(14, 14, 1\)"):
        quiet(make_gan((14, 14, 3)), "standin_digits", features="mnist", count=40)


def test_images_that_are_given_are_halved_or_held_out(monkeypatch):
    seen = seen_by(monkeypatch)
    real, kept = images(101), images(30, seed=1)
    reference = tiny(data=real, cache=False)
    np.testing.assert_array_equal(seen[0], real[:50])
    np.testing.assert_array_equal(seen[1], real[50:100])
    assert reference.count == 50 and reference.split == "50 of all"
    reference = tiny(data=real, held_out=kept, cache=False)
    np.testing.assert_array_equal(seen[2], real[:30])
    np.testing.assert_array_equal(seen[3], kept)
    assert reference.floor_split == "those given as held_out"
    reference = tiny(data="standin_digits", held_out=images(30, seed=1, shape=(28, 28, 1)), cache=False)
    assert reference.count == 30 and reference.split == "train[:30]"


@pytest.mark.parametrize("labels", [False, True])
def test_a_data_set_of_batches(labels, monkeypatch):
    seen = seen_by(monkeypatch)
    batches = gl.data.load("standin_digits", split="test[:100]", batch_size=32, labels=labels, shuffle=False)
    reference = tiny(data=batches)
    whole = data.arrays("standin_digits", "test")[0]
    np.testing.assert_array_equal(seen[0], whole[:50])
    np.testing.assert_array_equal(seen[1], whole[50:100])
    assert reference.title.startswith("stand-in digits") and reference.split == "50 of test[:100]"
    assert reference.floor_split == "another 50 of test[:100]"


def test_a_generator_in_0_to_1(monkeypatch):
    gan, real = make_gan(activation="sigmoid"), images(200)
    card = quiet(gan, real / 2 + 0.5, count=60)
    expected = quiet(gan.generate(60, seed=0) * 2 - 1, real, count=60)
    assert card.scores == pytest.approx(expected.scores, rel=1e-4)
    assert card.floor == pytest.approx(expected.floor, rel=1e-4)
    stated = quiet(gan.generate(60, seed=0), real / 2 + 0.5, count=60, value_range=(0, 1))
    assert stated.scores == pytest.approx(expected.scores, rel=1e-4)


def test_a_generator_without_an_end_is_clipped_as_a_screen_would():
    gan, real = make_gan(activation="linear"), images(200)
    gan.generator.set_weights([5 * weight for weight in gan.generator.get_weights()])
    made = gan.generate(60, seed=0)
    assert np.abs(made).max() > 2
    assert quiet(gan, real, count=60).scores == quiet(made.clip(-1, 1), real, count=60).scores


# --- what is kept --------------------------------------------------------------------------------------------------


def test_features_of_real_images_are_kept_on_disk(home, monkeypatch):
    extractor, real = small_extractor(), images(100)
    first = Reference(real, features=extractor, verbose=0)
    assert len(list(home.iterdir())) == 2
    with monkeypatch.context() as context:
        context.setattr(features.Extractor, "both", lambda *_: pytest.fail("known already"))
        again = Reference(real, features=extractor, verbose=0)
    assert again.floor == first.floor
    made = images(50, seed=1)
    assert again.score(made, verbose=0).scores == first.score(made, verbose=0).scores
    # Other images, and another network, are something else.
    Reference(real + np.float32(1e-3) * (real < 0), features=extractor, verbose=0)
    assert len(list(home.iterdir())) == 4
    Reference(real, features=small_extractor(classes=False), verbose=0)
    assert len(list(home.iterdir())) == 6
    assert not any(path.name.startswith(".") for path in home.iterdir())


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")  # of a file that is left open
@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 cut off"])
def test_a_damaged_file_is_made_again(home, content):
    real = images(100)
    first = Reference(real, features=small_extractor(), verbose=0)
    for path in home.iterdir():
        path.write_bytes(content)
    assert Reference(real, features=small_extractor(), verbose=0).floor == first.floor
    assert all(path.stat().st_size > 500 for path in home.iterdir())


def test_nothing_is_kept_that_will_not_come_back_or_must_not(home):
    Reference(images(100), features=small_extractor(), cache=False, verbose=0)
    Reference(tf.data.Dataset.from_tensor_slices(images(100)).batch(10), features=small_extractor(), verbose=0)
    assert not home.exists()


def test_where_nothing_can_be_written_it_is_computed(home):
    home.parent.mkdir()
    home.write_text("a file in the way")
    assert Reference(images(100), features=small_extractor(), verbose=0).floor["frechet_distance"] > 0


def test_one_reference_scores_many():
    reference = Reference(images(100), features=small_extractor(), cache=False, verbose=0)
    cards = [reference.score(make_gan(), seed=seed, verbose=0) for seed in (0, 1, 0)]
    assert cards[0] == cards[2] != cards[1]
    assert score(make_gan(), reference, verbose=0) == cards[0]
    assert dataclasses.asdict(cards[0])["count"] == 50 == reference.count
    assert reference.image_shape == SHAPE


# --- what cannot be scored -----------------------------------------------------------------------------------------


def test_images_that_are_not_finite():
    reference = Reference(images(100), features=small_extractor(), cache=False, verbose=0)
    made = images(50)
    made[3] = np.nan
    with pytest.raises(scoring.NotFinite, match="finite numbers. Received: NaN or infinity in 1 of 50"):
        reference.score(made, verbose=0)
    broken = reference.broken(make_gan(name="ill"))
    assert broken.subject == "ill" and list(broken.scores) == list(reference.floor)
    assert broken.scores["frechet_distance"] == broken.scores["kernel_distance"] == np.inf
    assert broken.scores["inception_score"] == 1 and broken.scores["recall"] == 0
    assert "inf" in str(broken)


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"count": 5}, ValueError, "count must be an integer of at least 20. Received: count=5"),
        ({"count": True}, TypeError, "count must be an integer"),
        ({"scores": "fid"}, ValueError, "scores must be some of frechet_distance.*Received: scores='fid'"),
        ({"scores": ()}, ValueError, "scores must be some of"),
        ({"features": "vgg"}, ValueError, "features must be one of 'mnist'"),
        ({"value_range": (1, 0)}, ValueError, "value_range must be two numbers .low, high., low < high"),
        ({"data": images(30)}, ValueError, "At least 20 images .* Received: 15 of each"),
        ({"data": images(60)[:, 0]}, ValueError, r"data must be images of shape.*Received: data of shape \(60, 5, 1\)"),
        ({"gan": images(60)[..., 0]}, ValueError, r"gan must be images.*grey images.*images\[..., None\]"),
        ({"data": [1, 2]}, TypeError, "data must be the name of a set.*Received: data of type list"),
        (
            {"data": (images() * 127 + 127).astype("uint8")},
            TypeError,
            "data must be floats.*Received: data of dtype uint8",
        ),
        (
            {"data": images() / 2 + 0.5},
            ValueError,
            "data must be images in value_range. Received: .* from 0.* to 0.*2 . x - 1",
        ),
        ({"data": 127 * images() + 127}, ValueError, "data must be images in value_range.*x / 127.5 - 1"),
        ({"data": np.where(images() > 0.9, np.nan, images())}, ValueError, "data must be finite"),
        ({"gan": images() / 2 + 0.5}, ValueError, "gan must be images in value_range"),
        ({"gan": (images() * 127 + 127).astype("uint8")}, TypeError, "gan must be floats.*dtype uint8.* / 127.5 - 1"),
        ({"data": tf.data.Dataset.from_tensor_slices(images()).batch(9).repeat()}, ValueError, "data must end"),
        ({"data": tf.data.Dataset.from_tensor_slices(images())}, ValueError, "data must have batches of images"),
        ({"data": tf.data.Dataset.from_tensor_slices(images()).batch(9).take(0)}, ValueError, "must not be empty"),
        ({"data": "standin_digit"}, ValueError, "name must be an image set"),
        ({"held_out": images(30)[:, :4]}, ValueError, "have one shape"),
        ({"gan": images(20)}, ValueError, "at least as many as the real ones. Received: 20 images, 45 real"),
        ({"gan": "gan.keras"}, TypeError, "gan must be a model with generate"),
        ({"gan": images(60, shape=(7, 7, 1))}, ValueError, r"Received: \(7, 7, 1\) against real images of \(6, 5, 1\)"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_arguments_that_cannot_be_meant(change, error, message):
    arguments = {"gan": make_gan(), "data": images()} | change
    gan, real = arguments.pop("gan"), arguments.pop("data")
    with pytest.raises(error, match=message):
        quiet(gan, real, **arguments)


# --- how scores move -----------------------------------------------------------------------------------------------
#
# On the bundled sets, with the bundled features: images that are as good as the real ones, then spoilt in ways that
# each score should see.

COUNT = {"standin_digits": 800, "standin_scenes": 400}


def spoilt(name):
    """{what was done: images}, from images of the set that the reference does not have."""
    count = COUNT[name]
    made, labels, _ = data.arrays(name, f"train[{count}:{4 * count}]")
    random = np.random.default_rng(0)
    good = made[:count]
    noise = random.normal(0, 0.3, good.shape).astype("float32")
    return {
        "nothing": good,
        "half of the classes": made[labels < 5][:count],
        "blur": ndimage.gaussian_filter(good, (0, 1.2, 1.2, 0)),
        "noise": np.clip(good + noise, -1, 1),
        "twenty images, again and again": np.repeat(made[:20], count // 20, axis=0),
        "one class": np.tile(made[labels == 3], (5, 1, 1, 1))[:count],
    }


@pytest.fixture(scope="module", params=["standin_digits", "standin_scenes"])
def cards(request):
    reference = Reference(request.param, count=COUNT[request.param], cache=False, verbose=0)
    return {what: reference.score(made, verbose=0) for what, made in spoilt(request.param).items()}


def test_as_good_as_real_is_at_the_floor(cards):
    card = cards["nothing"]
    assert card.scores["frechet_distance"] < 4 * card.floor["frechet_distance"]
    assert abs(card.scores["kernel_distance"]) < 4 * card.spreads["kernel_distance"]
    for name in ("precision", "recall", "density", "coverage"):
        assert card.scores[name] == pytest.approx(card.floor[name], abs=0.1)
    assert card.scores["inception_score"] == pytest.approx(card.floor["inception_score"], rel=0.1)


@pytest.mark.parametrize(
    "what", ["half of the classes", "blur", "noise", "twenty images, again and again", "one class"]
)
def test_distances_see_all_of_it(cards, what):
    good, bad = cards["nothing"].scores, cards[what].scores
    assert bad["frechet_distance"] > 4 * good["frechet_distance"]
    assert bad["kernel_distance"] > 3 * abs(good["kernel_distance"])


def test_missing_classes_cost_recall_and_not_precision(cards):
    good, half, one = (cards[what].scores for what in ("nothing", "half of the classes", "one class"))
    assert half["precision"] > good["precision"] - 0.08
    assert one["recall"] < half["recall"] < good["recall"] - 0.1
    assert one["coverage"] < half["coverage"] < good["coverage"] - 0.2


def test_spoilt_images_cost_precision(cards):
    good = cards["nothing"].scores
    for what in ("blur", "noise"):
        assert cards[what].scores["precision"] < good["precision"] - 0.1
        assert cards[what].scores["density"] < good["density"] - 0.2


def test_repeated_images_cost_recall_and_coverage_and_not_precision(cards):
    good, repeated = cards["nothing"].scores, cards["twenty images, again and again"].scores
    assert repeated["precision"] > good["precision"] - 0.25
    assert repeated["recall"] < 0.15 and repeated["coverage"] < 0.3 * good["coverage"]


def test_the_classifier_score_sees_classes_and_is_blind_to_repetition(cards):
    good, half, repeated, one = (
        cards[what].scores["inception_score"]
        for what in ("nothing", "half of the classes", "twenty images, again and again", "one class")
    )
    assert one < 0.8 * good and half < 0.95 * good
    assert repeated > 0.6 * good  # two images of each class are nearly enough for it


def test_the_metrics_of_a_card_are_those_of_the_package():
    assert set(METRICS.values()) == {
        metrics.FrechetDistance,
        metrics.KernelDistance,
        metrics.InceptionScore,
        metrics.PrecisionRecall,
    }
    assert all(METRICS[name]().name == name for name in METRICS)
    assert scoring.names_of_scores("precision_recall") == ("precision_recall",)
