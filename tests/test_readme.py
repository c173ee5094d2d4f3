"""The README's lines do what they say."""

import re
from pathlib import Path

import numpy as np

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_ten_lines_run_in_another_project_and_can_be_served(tmp_path, monkeypatch):
    # tests/models/test_docs.py runs the second.
    snippet, _, export, serve = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert "epochs=50" in snippet
    assert len(snippet.splitlines()) <= 12
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype="uint8")
    np.save("images.npy", images)

    names = {}
    exec(snippet.replace("epochs=50", "epochs=1"), names)

    assert Path("gan.keras").stat().st_size > 0
    assert Path("made.png").read_bytes().startswith(b"\x89PNG")
    assert names["gan"].generate(2).shape == (2, 32, 32, 3)

    # What is served makes the same images. The lines for ONNX need packages that the course does not.
    exec("\n".join(line for line in (export + serve).splitlines() if "onnx" not in line), names)
    expected = names["gan"].generate(25, seed=0)
    np.testing.assert_allclose(names["from_saved_model"], expected, atol=5e-6)
    np.testing.assert_allclose(names["from_litert"], expected, atol=5e-6)
    assert np.ptp(expected) > 0.1


def test_the_requirements_of_the_package_are_among_those_of_the_course():
    import tomllib

    root = Path(__file__).resolve().parent.parent
    package = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    lines = (root / "requirements.txt").read_text(encoding="utf-8").splitlines()
    course = {line.split("#")[0].strip() for line in lines} - {""}
    wanted = {*package["project"]["dependencies"], *package["build-system"]["requires"]}
    extras = package["project"]["optional-dependencies"]
    assert extras.pop("all") == [f"gan_lessons[{','.join(extras)}]"]
    assert wanted.union(*extras.values()) <= course
    assert all(">=" in line and "<" in line for line in course), "every version is bounded on both sides"
