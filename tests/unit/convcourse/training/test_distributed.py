"""Several processes train the network that one process would have trained."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from convcourse.training import Log
from convcourse.training.distributed import Team

PROGRAM = Path(__file__).with_name("train_bars.py")
spec = importlib.util.spec_from_file_location("train_bars", PROGRAM)
train_bars = importlib.util.module_from_spec(spec)
spec.loader.exec_module(train_bars)


@pytest.mark.parametrize("images", [1, 2, 7, 32])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_shares_of_a_batch_are_the_batch(images, size):
    """Every image counts once; a process without an image of its own takes one that does not count."""
    batch = torch.arange(images) + 5
    shares = [Team(rank, size).share(batch) for rank in range(size)]
    counted = torch.cat([part[:count] for part, count in shares])
    assert sorted(counted.tolist()) == batch.tolist()
    assert all(len(part) >= 1 for part, _ in shares)


@pytest.mark.slow  # six times Python and PyTorch are started
def test_two_processes_share_each_batch_and_end_where_one_does(tmp_path, capsys):
    """torchrun with two processes, killed in epoch 3 and started again, against one process: the same log and
    weights up to rounding, though shares are uneven and the last batch has one image. Only one prints."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += [PROGRAM, tmp_path / "two", "--plain", "--checkpoint", tmp_path / "checkpoint"]
    killed = subprocess.run([*command, "--die-in-step", "20"], capture_output=True, check=False, timeout=300)
    assert killed.returncode != 0 and (tmp_path / "checkpoint").exists()
    assert not (tmp_path / "two").exists()
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr

    expected_log, expected = train_bars.train(tmp_path / "one", plain=True)
    shown = capsys.readouterr().out  # of four epochs; the two processes together printed the last two, once
    assert done.stdout.count("valid") * 2 == shown.count("valid") > 0
    log, weights = Log.load(tmp_path / "two" / "log.json"), torch.load(tmp_path / "two" / "weights.pt")
    assert log.settings["processes"] == 2 and expected_log.settings["processes"] == 1
    for row, other in zip(log.rows, expected_log.rows, strict=True):
        for name in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy"):
            assert row[name] == pytest.approx(other[name], abs=2e-6), name
    for name, value in weights.items():
        assert torch.allclose(value, expected[name], atol=1e-5), name
