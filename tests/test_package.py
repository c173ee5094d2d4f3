"""The package's door: cheap to open, and all that it promises is there and documented."""

import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import gan_lessons as gl

ROOT = Path(__file__).parent.parent
FORMS_OF_DATA = (".bz2", ".json", ".keras")


def fresh(code):
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_importing_brings_nothing_heavy():
    out = fresh(
        "import sys, keras, tensorflow\n"
        "before = set(sys.modules)\n"
        "import gan_lessons\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))\n"
        "print(*sorted(name for name in sys.modules if name.startswith('gan_lessons.')))\n"
    )
    added, ours = (set(line.split()) for line in out.splitlines()[-2:])
    heavy = {
        "matplotlib",
        "PIL",
        "scipy",
        "tensorflow_datasets",
        "ipywidgets",
        "IPython",
        "tqdm",
        "tensorboard",
        "pandas",
    }
    assert not added & heavy
    light = (
        "_arguments",
        "adversarial",
        "gan",
        "_keras",
        "augmentation",
        "batches",
        "conditioning",
        "constraints",
        "layers",
        "models",
        "models.adversarial",
        "models.average",
        "models.base",
        "models.conditional",
        "models.fitted",
        "models.fitting",
        "models.game",
        "models.gan",
        "models.infogan",
        "models.optimizers",
        "models.saved",
        "models.semi_supervised",
        "models.state",
        "models.wrapped",
        "objectives",
        "penalties",
        "saving",
        "validation",
    )
    assert ours == {f"gan_lessons.{name}" for name in light}


def test_modules_come_when_they_are_asked_for():
    out = fresh(
        "import sys, gan_lessons as gl\n"
        "assert 'gan_lessons.networks' not in sys.modules\n"
        "print(gl.networks.mlp_generator((4, 4, 1), 2, (3,)).output_shape, gl.penalties.GradientPenalty().weight)\n"
    )
    assert out.strip().endswith("(None, 4, 4, 1) 10.0")


def every_kind_of_gan():
    """One GAN with each network, objective, penalty and constraint that the package has, and in mixed precision."""
    dcgan = {"filters": (4, 4, 4)}
    kinds = [(gl.networks.mlp_generator((4, 4, 1), 2, (3,)), gl.networks.mlp_discriminator((4, 4, 1), (3,)), one)
             for one in ("minimax", "non_saturating", "wasserstein")]  # fmt: skip
    G, D, critic = gl.networks.dcgan_generator, gl.networks.dcgan_discriminator, gl.networks.dcgan_critic
    kinds.append((G(latent_dim=2, **dcgan), D(**dcgan), "minimax"))
    kinds.append((G(latent_dim=2, **dcgan), critic(**dcgan), "wasserstein"))
    for index, (generator, discriminator, objective) in enumerate(kinds):
        penalty = gl.penalties.GradientPenalty() if objective == "wasserstein" else None
        gan = gl.GAN(generator, discriminator, 2, objective=objective, penalty=penalty)
        gan.compile(generator_optimizer="adam", discriminator_optimizer="rmsprop")
        if index == 2:
            gl.constraints.clip_weights(gan.discriminator)
        yield gan
    keras.config.set_dtype_policy("mixed_float16")
    gan = gl.GAN(gl.networks.mlp_generator((4, 4, 1), 2, (3,)), gl.networks.mlp_discriminator((4, 4, 1), (3,)), 2)
    gan.compile(generator_optimizer="adam", discriminator_optimizer="adam")  # each in a LossScaleOptimizer
    yield gan


def test_a_fresh_process_loads_a_saved_gan_after_the_import_in_safe_mode(tmp_path):
    expected = []
    for index, gan in enumerate(every_kind_of_gan()):
        gan.save(tmp_path / f"{index}.keras")
        expected.append(gan.generate(1, seed=0).sum())
    out = fresh(
        "import keras, gan_lessons\n"
        f"for index in range({len(expected)}):\n"
        f"    gan = keras.models.load_model(f'{tmp_path}/{{index}}.keras', safe_mode=True)\n"
        "    print('sum', gan.generate(1, seed=0).sum())\n"
    )
    found = [float(line.split()[1]) for line in out.splitlines() if line.startswith("sum ")]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_every_module_is_offered_and_listed():
    found = {name for _, name, _ in pkgutil.iter_modules(gl.__path__) if not name.startswith("_")}
    inner = {"batches", "saving", "validation"}  # reached through the models
    assert found - inner == set(gl._MODULES)
    classes = {
        "AdversarialModel",
        "Batch",
        "ConditionalGAN",
        "GAN",
        "GenerativeModel",
        "InfoGAN",
        "Part",
        "SemiSupervisedGAN",
    }
    assert set(gl.__all__) == {*classes, "diagnose", "score", *gl._MODULES} <= set(dir(gl))
    assert gl.score is gl.scoring.score and gl.diagnose is gl.doctor.diagnose
    for name in gl._MODULES:
        assert getattr(gl, name) is importlib.import_module(f"gan_lessons.{name}")


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'gan_lessons' has no attribute 'cyclegan_of_my_dreams'"):
        gl.cyclegan_of_my_dreams  # noqa: B018


def test_the_wheel_has_the_package_and_its_data_and_no_script(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    kept = set((ROOT / "data" / "trained").iterdir())
    assert wheel.stat().st_size - sum(path.stat().st_size for path in kept) < 10_000_000
    source = {path.relative_to(ROOT).as_posix() for path in (ROOT / "gan_lessons").rglob("*.py")}
    data = {f"gan_lessons/bundled/{path.name}" for path in (ROOT / "data").iterdir() if path.suffix in FORMS_OF_DATA}
    trained = {f"gan_lessons/bundled/trained/{path.name}" for path in kept}
    assert names == source | data | trained | {"gan_lessons/py.typed"} and len(data) == 8


def test_the_version_is_a_version():
    assert all(part.isdigit() for part in gl.__version__.split(".")) and gl.__version__.count(".") == 2


def modules():
    names = [name for _, name, _ in pkgutil.walk_packages(gl.__path__, "gan_lessons.")]
    return ["gan_lessons", *(name for name in names if not name.rpartition(".")[2].startswith("_"))]


def public(module):
    """What a module itself defines for others: functions, classes, and the methods of those."""
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if getattr(value, "is_exercise", False):
            continue  # an exercise is documented by its title; the tests of each lesson's exercises name them
        if inspect.isfunction(value) or inspect.isclass(value):
            yield name, value
        if inspect.isclass(value):
            for key, method in vars(value).items():
                plain = method.fget if isinstance(method, property) else getattr(method, "__func__", method)
                if not key.startswith("_") and inspect.isfunction(plain) and key not in ("get_config", "from_config"):
                    yield f"{name}.{key}", method


@pytest.mark.parametrize("name", modules())
def test_every_public_thing_is_documented(name):
    module = importlib.import_module(name)
    assert module.__doc__ and len(module.__doc__) > 20
    # A method that fills in what a base class or Keras asks for is documented there.
    silent = [
        what
        for what, value in public(module)
        if not inspect.getdoc(inspect.getattr_static(module, what, value)) and not inherited(module, what)
    ]
    assert not silent, silent


def inherited(module, what):
    owner, _, key = what.partition(".")
    return bool(key) and any(key in vars(base) for base in getattr(module, owner).__mro__[1:] if base is not object)


# What models and exercises are made of: tested by what it does in them, not by its names.
INNER = (
    "checks",
    "models.fitted",
    "models.fitting",
    "models.game",
    "models.optimizers",
    "models.saved",
    "models.wrapped",
    "networks.sizes",
)


def test_every_public_name_is_used_in_a_test():
    tests = "\n".join(path.read_text() for path in Path(__file__).parent.rglob("*.py"))
    missing = [
        f"{name}.{what}"
        for name in modules()
        for what, _ in public(importlib.import_module(name))
        if "." not in what and what not in tests and not name.removeprefix("gan_lessons.").startswith(INNER)
    ]
    assert not missing, missing


@pytest.mark.parametrize("path", sorted((ROOT / "gan_lessons").rglob("*.py")), ids=lambda path: path.name)
def test_no_file_names_a_machine(path):
    text = path.read_text()
    assert "/work/" not in text and "/tmp/" not in text and "/home/" not in text
