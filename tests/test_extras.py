"""Extras: what is missing is said where it is needed."""

import json
import sys
import tomllib
from pathlib import Path

import pytest

from gan_lessons import _extras, data

ROOT = Path(__file__).resolve().parent.parent


def test_a_module_that_is_installed_is_returned():
    assert _extras.module("json", extra="data") is json


def test_a_module_that_is_missing_is_named_with_what_to_install():
    with pytest.raises(
        ImportError, match="needs no_such_thing, .*Received: ModuleNotFoundError: .*pip install .*ipywidgets"
    ):
        _extras.module("no_such_thing", extra="notebooks")


def test_a_module_that_fails_at_its_import_is_named_with_the_cause(tmp_path, monkeypatch):
    (tmp_path / "does_not_fit.py").write_text("raise RuntimeError('gencode 6 runtime 5\\nand more')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        ImportError, match="needs does_not_fit.*Received: RuntimeError: gencode 6 runtime 5. Install"
    ) as caught:
        _extras.module("does_not_fit", extra="data")
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize("name", ["mnist", "standin_digits"])
def test_a_set_without_tensorflow_datasets_is_a_clear_error(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets.core", None)  # as if it were not installed
    with pytest.raises(ImportError, match="pip install --upgrade tensorflow-datasets importlib_resources"):
        data.load(name)


def test_the_messages_name_the_packages_of_the_extras():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for extra, install in _extras.INSTALL.items():
        named = {line.split(">")[0] for line in extras[extra]}
        assert set(install.split()) <= named
    assert set(_extras.INSTALL) | {"all"} == set(extras)
