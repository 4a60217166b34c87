"""The page of reference networks says what the committed runs say."""

import json

from solutions.training import check, reference, table


def test_the_page_is_what_the_runs_say(capsys):
    assert table.main(["--check"]) == 0, capsys.readouterr().out


def test_a_changed_figure_or_a_new_run_makes_it_stale(tmp_path, monkeypatch, capsys):
    runs = tmp_path / "runs"
    for path in check.RUNS.glob("*/metrics.json"):
        (runs / path.parent.name).mkdir(parents=True)
        (runs / path.parent.name / path.name).write_text(path.read_text())
    monkeypatch.setattr(check, "RUNS", runs)
    assert table.main(["--check"]) == 0
    path = next(runs.glob("*_mnist_20k_cpu")) / "metrics.json"
    metrics = json.loads(path.read_text())
    metrics["test_accuracy"]["mean"] += 0.001
    path.write_text(json.dumps(metrics))
    assert table.main(["--check"]) == 1 and "stale" in capsys.readouterr().out


def test_every_script_has_a_goal_and_every_run_a_line():
    text = table.table()
    assert set(table.GOALS) == set(reference.names())
    assert all(path.parent.name in text for path in check.RUNS.glob("*/metrics.json"))
