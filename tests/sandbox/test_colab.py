"""What students bring along from Colab never takes the answers of its cell away."""

import pytest

from autograder.sandbox import Cell, open_session
from convcourse.environment import INSTALLED, STAND_INS

from .conftest import SMALL

# Each is put in front of an answer in the same cell. What the cell then prints must hold the second text.
IN_FRONT = {
    "drive": ("from google.colab import drive\ndrive.mount('/content/drive')", "google.colab does nothing"),
    "files": ("from google.colab import files\nuploaded = files.upload()", "google.colab does nothing"),
    "colab as a whole": ("import google.colab\nprint('in colab')", "in colab"),
    "torchinfo": ("import torchinfo\ntorchinfo.summary(None, input_size=(1, 1, 28, 28))", "torchinfo does"),
    "torchsummary": ("from torchsummary import summary\nsummary(None, (1, 28, 28))", "torchsummary does"),
    "metric": (
        "import torchmetrics\nmetric = torchmetrics.Accuracy(task='multiclass', num_classes=10)\n"
        "print(f'{metric.compute():.3f}')",
        "torchmetrics does nothing",
    ),
    "cv2": (
        "import cv2\nimage = cv2.imread('cat.jpg')\nimage[0, 0]\nfor row in image: pass",
        "cv2 does nothing",
    ),
    "seaborn": ("import seaborn as sns\nsns.set_theme()\nsns.heatmap([[1]]).set(title='x')", "seaborn does"),
    "wandb": ("import wandb\nwith wandb.init() as run: run.log({'a': 1})", "wandb does nothing"),
    "pip": ("!pip install torchinfo", "cannot be installed"),
    "pip with a version": ("!pip3 install -q 'torch>=2'", "cannot be installed"),
    "python -m pip": ("!python -m pip install x", "cannot be installed"),
    "apt": ("!apt-get install -y graphviz", "cannot be installed"),
    "pip kept": ("said = !pip install x", "cannot be installed"),
    "magic": ("%nonsense on", "%nonsense on does nothing"),
    "extension": ("%load_ext nothing_like_it", "%load_ext nothing_like_it does nothing"),
    "tensorboard": ("%load_ext tensorboard\n%tensorboard --logdir runs", "TensorBoard does nothing"),
    "known magic": ("%matplotlib inline\n%config InlineBackend.figure_format = 'retina'", ""),
    "shell": ("!echo hello", "hello"),
    "asks whether it is Colab": (
        "try:\n    import google.colab\n    IN_COLAB = True\nexcept ImportError:\n    IN_COLAB = False\n"
        "if IN_COLAB:\n    1 / 0",
        "",
    ),
}


@pytest.fixture(scope="module")
def notebook():
    sources = [f"{lines}\nanswer_{n} = {n}" for n, (lines, _) in enumerate(IN_FRONT.values())]
    sources.append("%%nonsense -x\nunder_magic = 7")
    sources.append("import not_there_at_all\nlost = 1")
    cells = [Cell(n, source) for n, source in enumerate(sources)]
    with open_session(cells, limits=SMALL, data=None) as session:
        session.results = session.run_cells()
        yield session


@pytest.mark.parametrize("name", IN_FRONT)
def test_the_answer_below_survives_and_the_reader_is_told(notebook, name):
    number = list(IN_FRONT).index(name)
    result = notebook.results[number]
    assert (result.status, result.error) == ("ok", "")
    assert IN_FRONT[name][1] in result.text
    assert notebook.environment.get(f"answer_{number}") == number


def test_below_a_cell_magic_that_is_not_there_the_cell_runs(notebook):
    assert notebook.environment.get("under_magic") == 7
    assert "%%nonsense does nothing" in notebook.results[len(IN_FRONT)].text


def test_a_module_that_nobody_listed_is_an_error_as_everywhere(notebook):
    assert notebook.results[-1].status == "error" and "No module named" in notebook.results[-1].error


def test_every_module_of_the_list_is_there_as_the_list_says():
    """What is said to be installed imports, and no stand-in hides something that is."""
    lines = [f"import {name}" for name in sorted(INSTALLED)]
    lines += [f"import {name}\nprint(type({name}).__name__)" for name in sorted(STAND_INS)]
    with open_session([Cell(n, line) for n, line in enumerate(lines)], limits=SMALL, data=None) as session:
        results = session.run_cells()
    assert [(line, r.error) for line, r in zip(lines, results, strict=True) if r.status != "ok"] == []
