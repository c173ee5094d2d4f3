"""What all tests share: one seed, no windows, and no skipping in silence."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import matplotlib
import pytest
from keras.src.backend.common import global_state


def pytest_configure(config):
    matplotlib.use("Agg")  # for this process; the lessons' kernels keep their own
    keras.utils.set_random_seed = set_random_seed


def set_random_seed(seed, as_keras_does=keras.utils.set_random_seed):
    """Set every seed. Keras before 3.13 leaves the generator alone that `keras.random.normal(shape)` draws from."""
    global_state.set_global_attribute("global_seed_generator", None)
    as_keras_does(seed)


@pytest.fixture(autouse=True)
def same_start():
    """Every test begins with the same random numbers, and leaves Keras's settings as it found them."""
    keras.utils.set_random_seed(0)
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)


def pytest_sessionfinish(session, exitstatus):
    # A skipped test looks like a passed one to whoever reads only the last line.
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
