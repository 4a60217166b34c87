"""The command `convcourse`: exit codes, and messages that say what to do."""

import json
import zipfile

import pytest

from convcourse import data
from convcourse.cli import main

ROW = {
    "epoch": 1,
    "train_loss": 0.5,
    "train_accuracy": 0.84,
    "valid_loss": 0.2,
    "valid_accuracy": 0.93,
    "seconds": 7.5,
}
NETWORK = "from torch import nn\ndef make():\n    return nn.Sequential(nn.Conv2d(1, 10, 28), nn.Flatten())\n"


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """A folder with a network's code, its weights and its log, and this folder as the current one."""
    import torch
    from torch import nn

    network = nn.Sequential(nn.Conv2d(1, 10, 28), nn.Flatten())
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    (tmp_path / "my_network.py").write_text(NETWORK)
    (tmp_path / "log.json").write_text(json.dumps({"settings": {}, "epochs": [ROW]}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def export(*arguments):
    return main(["export", *arguments, "--weights", "weights.pt", "--log", "log.json", "--out", "."])


@pytest.mark.parametrize("name", ["my_network.py:make", "my_network:make"])
def test_export_writes_the_network_and_its_log(trained, capsys, name):
    assert export(name) == 0
    assert "7,850" in capsys.readouterr().out
    log = json.loads((trained / "training_log.json").read_text())
    assert log["exercise"] == "10_mnist_20k" and log["numbers_in_graph"] == 7_852
    assert (trained / "network.onnx").is_file()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my_network", "NETWORK must be FILE.py:NAME or MODULE:NAME, got 'my_network'"),
        ("my_network.py:other", "my_network.py has no 'other'"),
        ("none.py:make", "none.py cannot be imported"),
        ("my_network.py:nn.Linear", "has no 'nn.Linear'"),
        ("builtins:dict", "must make a torch.nn.Module, but it makes a dict"),
    ],
)
def test_export_says_what_is_wrong_with_the_network(trained, capsys, name, message):
    assert export(name) == 1
    assert message in capsys.readouterr().err


def test_export_takes_weights_only(trained, capsys):
    import pickle

    class Harm:
        def __reduce__(self):
            return (open, ("harmed", "w"))

    (trained / "weights.pt").write_bytes(pickle.dumps(Harm()))
    assert export("my_network.py:make") == 1
    assert "weights.pt does not hold this network's weights" in capsys.readouterr().err
    assert not (trained / "harmed").exists()


def test_export_names_a_missing_file(trained, capsys):
    (trained / "log.json").unlink()
    assert export("my_network.py:make") == 1
    assert "there is no file log.json" in capsys.readouterr().err


def test_data_without_a_network_explains_the_fallback(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("CONVCOURSE_DATA", raising=False)
    monkeypatch.setattr(data, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(data, "_get", lambda address: (_ for _ in ()).throw(OSError("unplugged")))
    assert main(["data", "mnist"]) == 1
    message = capsys.readouterr().err
    assert "unplugged" in message and "scikit-learn's small digits" in message


def test_data_says_where_it_is(real_mnist, capsys):
    assert main(["data", "mnist"]) == 0
    assert "MNIST is in " in capsys.readouterr().out


def test_submit_makes_the_zip_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cells = [{"cell_type": "code", "source": "Exercise('03_convolution_layer')", "execution_count": None}]
    (tmp_path / "mine.ipynb").write_text(json.dumps({"cells": cells}))
    assert main(["submit", "03_convolution_layer", "--notebook", "mine.ipynb"]) == 0
    assert "03_convolution_layer.zip" in capsys.readouterr().out
    assert "03_convolution_layer.ipynb" in zipfile.ZipFile("03_convolution_layer.zip").namelist()
    assert main(["submit", "10_mnist_20k", "--notebook", "mine.ipynb"]) == 1
    assert "network.onnx is missing" in capsys.readouterr().out


def test_submit_without_a_notebook_fails(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["submit", "03_convolution_layer"]) == 1
    assert "there is no notebook 03_convolution_layer.ipynb" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["data", "cifar"], ["fly"]])
def test_a_wrong_command_line_exits_with_2(arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize(
    "name", ["03_convolution_layer.ipynb", "03_convolution_layer (1).ipynb", "mine.ipynb"]
)
def test_submit_takes_a_file_whatever_it_is_called(tmp_path, capsys, name):
    cells = [{"cell_type": "code", "source": "Exercise('03_convolution_layer')", "execution_count": None}]
    (tmp_path / name).write_text(json.dumps({"cells": cells}))
    assert main(["submit", str(tmp_path / name)]) == 0
    assert (
        tmp_path / "03_convolution_layer.zip"
    ).is_file() and f"made from {name}" in capsys.readouterr().out


def test_submit_says_of_a_file_that_it_names_no_exercise(tmp_path, capsys):
    (tmp_path / "notes.ipynb").write_text(json.dumps({"cells": []}))
    assert main(["submit", str(tmp_path / "notes.ipynb")]) == 1
    assert "notes.ipynb does not name its exercise" in capsys.readouterr().err
    assert main(["submit", str(tmp_path / "gone.ipynb")]) == 1
    assert "there is no notebook" in capsys.readouterr().err
