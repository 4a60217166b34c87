"""What an honest notebook may rely on: cells run, output is kept, values come back, limits are fair."""

import dataclasses

import numpy as np
import pytest

from autograder.sandbox import Cell, HandleMisuse, StudentError, call_returning_arguments, open_session
from autograder.verdict import Verdict

from .conftest import SMALL, session_of

CELLS = """
def scale(x, by=2):
    print("called")
    return x * by
%%cell
print("shown"); 1 / 0
%%cell
import numpy as np
image = np.arange(6, dtype="float32").reshape(2, 3)
image
%%cell
!echo from a program
%pip install nothing
%%cell
input("name? ")
%%cell
import matplotlib.pyplot as plt
plt.plot([1, 2]); plt.show()
%%cell
class Layer:
    size = (3, 5)
    def __init__(self, k): self.k = k
    def __call__(self, x): return self.k * x
    def forward(self, x): return self(x) + 1
    def fail(self): raise ValueError("stride must be at least 1, got 0")
layer = Layer(3)
def fill(values): values[0] = 99
def draw(): return __import__("random").random(), float(np.random.rand())
%%cell
undefined_name
%%cell
from IPython.display import display, HTML
display({"a": 1}); display(HTML("<script>x</script>"))
import sys
for i in range(100): print(f"\\r{i} %", end="", file=sys.stderr)
%%cell
while True: pass
%%cell
import os; here = sorted(os.listdir(".")); text = open("log.json").read()
%%cell
import asyncio
await asyncio.sleep(0)
after = "reached"
"""


@pytest.fixture(scope="module")
def honest():
    sources = [source.strip("\n") for source in CELLS.split("%%cell")]
    cells = [
        Cell(10 + n, source, ("long",) if "undefined" in source else ()) for n, source in enumerate(sources)
    ]
    with open_session(cells, limits=SMALL, files={"log.json": b"{}"}, data=None) as session:
        session.results = {result.index - 10: result for result in session.run_cells()}
        yield session


def test_each_cell_gets_its_own_status_and_keeps_its_index(honest):
    statuses = [honest.results[n].status for n in range(12)]
    assert statuses == [
        "ok",
        "error",
        "ok",
        "ok",
        "error",
        "ok",
        "ok",
        "skipped",
        "ok",
        "time-limit",
        "ok",
        "ok",
    ]


def test_output_of_prints_values_programs_and_displays_is_kept(honest):
    texts = {n: result.text for n, result in honest.results.items()}
    assert texts[1] == "shown\n"
    assert "array([[0., 1., 2.]" in texts[2]
    assert "from a program" in texts[3] and "cannot be installed" in texts[3]
    assert "{'a': 1}" in texts[8] and "<script>" not in texts[8] and texts[8].endswith("99 %")


def test_a_figure_comes_back_as_one_png(honest):
    (png,) = honest.results[5].images
    assert png.startswith(b"\x89PNG") and honest.results[5].text == ""


def test_the_students_own_traceback_is_kept(honest):
    assert "ZeroDivisionError" in honest.results[1].error and "1 / 0" in honest.results[1].error


def test_input_says_why_it_cannot_be_answered(honest):
    assert "nobody is there" in honest.results[4].error


def test_a_cell_out_of_time_is_stopped_where_it_is_and_the_rest_still_runs(honest):
    assert (
        "while True" in honest.results[9].error
        and f"longer than {SMALL.cell_s:g} s" in honest.results[9].error
    )
    assert honest.verdict is Verdict.TIME_LIMIT and "Cell 19" in honest.message
    assert honest.environment.get("after") == "reached"


def test_values_come_back_as_plain_data(honest):
    image = honest.environment.get("image")
    assert type(image) is np.ndarray and image.dtype == np.float32 and image.shape == (2, 3)
    assert honest.environment.get("here") == ["log.json", "tmp"]
    assert honest.environment.get("text") == "{}"


def test_a_missing_name_gives_the_default_and_names_can_be_listed(honest):
    assert honest.environment.get("nothing", 5) == 5
    assert "scale" in honest.environment and "nothing" not in honest.environment
    assert {"scale", "layer", "image"} <= set(honest.environment)
    assert "In" not in set(honest.environment)


def test_functions_objects_and_methods_can_be_called_with_plain_values_and_handles(honest):
    get = honest.environment.get
    assert get("scale")(3) == 6
    assert get("scale")("ab", by=3) == "ababab"
    np.testing.assert_array_equal(get("scale")(np.array([1, 2])), [2, 4])
    assert get("Layer")(5).forward(2) == 11
    assert get("layer").size == (3, 5)
    assert get("np").sum([1, 2, 3]) == 6
    assert get("scale")(get("layer").k, by=get("layer").k) == 9


def test_an_exception_of_the_student_arrives_as_text(honest):
    with pytest.raises(StudentError, match="stride must be at least 1, got 0") as caught:
        honest.environment.get("layer").fail()
    assert caught.value.type_name == "ValueError"
    assert "raise ValueError" in caught.value.traceback_text
    assert "answers.py" not in caught.value.traceback_text


def test_arguments_altered_in_place_can_be_seen(honest):
    sent = [1, 2]
    result, (after,) = call_returning_arguments(honest.environment.get("fill"), sent)
    assert result is None and after == [99, 2] and sent == [1, 2]


def test_seeding_makes_draws_repeat(honest):
    draw = honest.environment.get("draw")
    honest.seed(7)
    first = draw()
    assert draw() != first
    honest.seed(7)
    assert draw() == first


def test_what_is_no_plain_value_is_not_sent(honest):
    with pytest.raises(TypeError, match="neither plain data nor a handle"):
        honest.environment.get("scale")(object())


def test_a_handle_where_a_number_was_needed_says_so(honest):
    with pytest.raises(HandleMisuse, match="object of type Layer"):
        honest.environment.get("layer") + 1


def test_a_torch_notebook_runs_and_its_tensors_come_back():
    torch = pytest.importorskip("torch")
    source = """
import torch
from torch import nn
net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))
loss = nn.functional.cross_entropy(net(torch.rand(8, 1, 8, 8)), torch.randint(10, (8,)))
loss.backward()
"""
    limits = dataclasses.replace(SMALL, memory_mib=2048, cell_s=30)
    with session_of(source, limits=limits) as session:
        (result,) = session.run_cells()
        assert result.status == "ok", result.error
        net = session.environment.get("net")
        logits = net.eval()(torch.zeros(2, 1, 8, 8))
        assert type(logits) is torch.Tensor and logits.shape == (2, 10)
        conv = session.environment.get("torch").nn.Conv2d(1, 2, 3)
        assert conv.weight.shape == (2, 1, 3, 3)
        assert next(iter(net.state_dict())) == "0.weight"


def test_mnists_train_files_are_there_and_no_other(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{name}-ubyte").write_bytes(name.encode())
    source = (
        "import os; root = os.environ['CONVCOURSE_DATA'] + '/MNIST/raw'; files = sorted(os.listdir(root))"
    )
    with session_of(source + "\nread = open(root + '/train-labels-idx1-ubyte').read()", data=raw) as session:
        session.run_cells()
        assert session.environment.get("files") == ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]
        assert session.environment.get("read") == "train-labels-idx1"


def test_a_name_keeps_its_object_whatever_a_call_does_and_its_plain_values_are_read_anew():
    cell = """
count = 1
def area(n): return n * n
def swap():
    global area, count
    area, count = (lambda n: 0), count + 1
def die(): import os; os._exit(1)
"""
    with session_of(cell, limits=SMALL) as session:
        session.run_cells()
        names = session.environment
        assert (names.get("area")(4), names.get("count")) == (16, 1)
        names.get("swap")()
        assert (names.get("area")(4), names.get("count")) == (16, 2)
        with pytest.raises(StudentError):
            names.get("die")()
        assert (names.get("area")(5), names.get("count")) == (25, 1)  # of a fresh process


def test_all_cells_together_have_a_time_limit():
    limits = dataclasses.replace(SMALL, wall_s=1, late_cell_s=0.1)
    with session_of("import time; time.sleep(0.8)", "time.sleep(0.8)", "x = 1", limits=limits) as session:
        assert [result.status for result in session.run_cells()] == ["ok", "time-limit", "ok"]
        assert session.verdict is Verdict.TIME_LIMIT


def test_a_file_name_that_leaves_the_folder_is_refused():
    with pytest.raises(ValueError, match="plain name"):
        session_of("1", files={"../x": b""})
