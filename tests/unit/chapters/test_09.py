"""The facts that the page on a first convolutional network states, against PyTorch and the committed run."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from convcourse import experiments, lenet
from convcourse.arithmetic import count_parameters
from solutions.training.lenet_mnist import build


def test_the_network_of_1998_learns_60000_numbers_on_340908_connections():
    layers = lenet.published()
    assert [layer.name for layer in layers] == ["C1", "S2", "C3", "S4", "C5", "F6", "output"]
    assert [layer.parameters for layer in layers] == [156, 12, 1_516, 32, 48_120, 10_164, 0]
    assert [layer.connections for layer in layers] == [122_304, 5_880, 151_600, 2_000, 48_120, 10_164, 840]


def test_c3_reads_three_or_four_maps_and_once_all_each_map_equally_often():
    reads = lenet.C3_READS
    assert [len(maps) for maps in reads] == [3] * 6 + [4] * 9 + [6]
    assert len(set(reads)) == 16 and {sum(k in maps for maps in reads) for k in range(6)} == {10}


def test_todays_version_has_61706_and_without_padding_44426():
    assert count_parameters(build()) == 61_706
    small = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2), nn.Flatten()
    )
    inputs = small(torch.zeros(1, 1, 28, 28)).shape[1]
    assert 156 + 2_416 + (inputs + 1) * 120 + 121 * 84 + 85 * 10 == 44_426


def test_a_linear_layer_behind_flatten_is_a_convolution_at_every_place():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(2, 5, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(5 * 4 * 4, 7),
        nn.ReLU(),
        nn.Linear(7, 3, bias=False),
    )
    everywhere = lenet.without_flattening(network, 5)
    image = torch.rand(2, 2, 9, 8)
    found = everywhere(image)
    assert found.shape == (2, 3, 4, 3)
    for row in range(4):
        for column in range(3):
            window = image[:, :, row : row + 6, column : column + 6]
            assert torch.allclose(found[:, :, row, column], network(window), atol=1e-5)
    assert everywhere[2].weight.data_ptr() == network[3].weight.data_ptr()  # shared, so it trains along
    with pytest.raises(ValueError, match="not 6 square maps"):
        lenet.without_flattening(network, 6)


def test_a_softmax_inside_keeps_the_loss_above_1461():
    best = torch.eye(10)[:1]
    assert F.cross_entropy(best, torch.tensor([0])).item() == pytest.approx(math.log(1 + 9 / math.e))
    random = torch.rand(1000, 10).mul(9).softmax(1)
    assert F.cross_entropy(random, random.argmax(1), reduction="none").min() > math.log(1 + 9 / math.e)


def test_the_committed_network_is_the_pages():
    network = build()
    network.load_state_dict(experiments.weights("lenet_mnist", 0))
    maps, logits = lenet.on_the_way(network, torch.zeros(1, 1, 28, 28))
    assert list(maps) == ["1 × 28 × 28", "6 × 28 × 28", "6 × 14 × 14", "16 × 10 × 10", "16 × 5 × 5"]
    assert logits.shape == (10,)
