"""benchmarks/modes.py: what a run records, and the table that it makes of the record."""

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
import modes  # noqa: E402


def test_rows_are_named_once_and_a_changed_recipe_is_another_row():
    names = [row.name for row in modes.ROWS]
    assert len(set(names)) == len(names)
    assert len({row.digest for row in modes.ROWS}) == len(modes.ROWS)
    assert modes.ROWS[0].digest == modes.Row(*vars(modes.ROWS[0]).values()).digest


@pytest.mark.parametrize("name, of", [("ring-r1", 8), ("grid-wasserstein-gp", 25)])
def test_a_run_counts_the_modes_of_its_set(name, of):
    (row,) = [row for row in modes.ROWS if row.name == name]
    found = modes.run(row, seed=0, steps=2)
    assert found["of"] == of and 0 <= found["modes"] <= of
    assert 0 <= found["share"] <= 1 and found["reverse KL"] > 0 and found["minutes"] >= 0


def test_the_table_has_each_seed_and_the_spread():
    row = modes.ROWS[0]
    runs = [(8, 0.91, 0.01), (7, 0.95, 0.05), (8, 0.93, 0.02)]
    record = {
        f"{row.name} {row.digest} {seed}": {"modes": n, "of": 8, "share": share, "reverse KL": kl, "minutes": 1.0}
        for seed, (n, share, kl) in enumerate(runs)
    }
    record[f"{row.name} another 0"] = record[f"{row.name} {row.digest} 0"]  # of settings that are no longer the row's
    line = modes.table(record).splitlines()[2]
    assert line == f"| {row.data} | {row.title} | 8, 7, 8 of 8 | 93 % (91 % to 95 %) | 0.02 (0.01 to 0.05) | 1.0 |"
    assert modes.table({}).startswith("No run is recorded yet.")


def test_the_readme_has_the_table_of_the_record():
    import json

    record = json.loads(modes.RECORD.read_text()) if modes.RECORD.exists() else {}
    text = modes.README.read_text(encoding="utf-8")
    assert text.split(modes.TABLE_START)[1].split(modes.TABLE_END)[0] == f"\n{modes.table(record)}\n"
