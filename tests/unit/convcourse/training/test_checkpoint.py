"""A training that is killed goes on as if it had never stopped; a checkpoint that does not fit is refused."""

import importlib.util
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from convcourse.training import CheckpointError, Recipe, fit, random_affine

PROGRAM = Path(__file__).with_name("train_bars.py")
spec = importlib.util.spec_from_file_location("train_bars", PROGRAM)
train_bars = importlib.util.module_from_spec(spec)
spec.loader.exec_module(train_bars)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return train_bars.train(tmp_path_factory.mktemp("undisturbed"))


def without_seconds(log):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in log.rows]


def short_fit(checkpoint, network=None, train=None, progress=False, **choices):
    recipe = Recipe(**{"epochs": 2, "batch_size": 32, **choices})
    network, train = network or train_bars.network(), train or train_bars.bars()
    how = {"device": "cpu", "progress": progress, "checkpoint": checkpoint}
    return fit(network, train, train_bars.bars(40, 1), recipe, **how)


@pytest.mark.parametrize(
    ("option", "number", "epochs_kept"), [("--die-in-step", 20, 2), ("--die-while-writing", 3, 2)]
)
def test_killed_and_started_again_it_ends_bit_for_bit_the_same(
    undisturbed, tmp_path, option, number, epochs_kept
):
    """Killed in the middle of epoch 3, or while the checkpoint after epoch 3 is being written; with dropout,
    augmentation, a moving average, a scheduler and best weights to remember."""
    checkpoint = tmp_path / "checkpoint"
    command = [sys.executable, PROGRAM, tmp_path / "out", "--checkpoint", checkpoint, option, str(number)]
    killed = subprocess.run(command, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not (tmp_path / "out").exists()
    assert f"epoch {epochs_kept + 1}/4".encode() in killed.stdout

    log, weights = train_bars.train(tmp_path / "out", checkpoint)
    expected_log, expected_weights = undisturbed
    assert without_seconds(log) == without_seconds(expected_log)
    assert weights.keys() == expected_weights.keys()
    assert all(torch.equal(weights[name], expected_weights[name]) for name in weights)


def test_going_on_trains_only_what_is_missing(tmp_path, capsys):
    network = train_bars.network()
    first = short_fit(tmp_path / "checkpoint", network)
    again = train_bars.network()
    log = short_fit(tmp_path / "checkpoint", again, progress=True)
    assert log == first  # the seconds too: nothing was trained again
    assert "epoch" not in capsys.readouterr().out
    expected = again.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"epochs": 3}, "epochs was 2, is 3"),
        ({"learning_rate": 0.1}, "learning_rate was 0.02, is 0.1"),
        ({"augment": random_affine(3)}, r"augment was none, is random_affine\(.*shift=3\)"),
        ({"network": train_bars.network(plain=True)}, "network was Sequential"),
        ({"train": train_bars.bars(60)}, "train was 120 images .*, is 60 images"),
        ({"optimizer": lambda weights, rate, _: torch.optim.SGD(weights, rate)}, "optimizer was adamw"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(tmp_path, changed, message):
    short_fit(tmp_path / "checkpoint")
    with pytest.raises(CheckpointError, match=f"(?s){message}.*or delete it to train from the beginning"):
        short_fit(tmp_path / "checkpoint", **changed)


def test_augmentations_of_other_strength_are_told_apart(tmp_path):
    short_fit(tmp_path / "checkpoint", augment=random_affine(2))
    with pytest.raises(CheckpointError, match=r"shift=2.*shift=3"):
        short_fit(tmp_path / "checkpoint", augment=random_affine(3))


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_checkpoint_is_named_and_never_used(tmp_path, damage):
    path = tmp_path / "checkpoint"
    short_fit(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(
        {"cut": content[:-100], "flipped": content, "empty": b"", "other": b"no checkpoint"}[damage]
    )
    with pytest.raises(CheckpointError, match=r"checkpoint .*checkpoint is damaged.*delete it to train from"):
        short_fit(path)


def test_a_checkpoint_holds_no_code(tmp_path):
    """What is read is tensors and plain values; a pickle that calls something is refused."""
    from convcourse.training import checkpoint

    class Call:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "touched",))

    checkpoint.save(tmp_path / "file", {"words": Call()})
    with pytest.raises(Exception, match=r"(?i)weights.only"):
        checkpoint.load(tmp_path / "file")
    assert not (tmp_path / "touched").exists()
