"""The facts that the page on pooling states, against PyTorch, torchvision and the committed networks."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from convcourse import data, experiments, filters, pooling
from convcourse.arithmetic import conv_multiplications, pool_output_shape, receptive_field
from convcourse.plots.pooling import FACES, PARTS
from solutions.training import pooling_mnist
from solutions.training.pooling_mnist import build


@pytest.mark.parametrize(("ceil", "expected"), [(False, 3), (True, 4)])
def test_windows_of_two_make_three_of_seven_or_four(ceil, expected):
    assert F.max_pool1d(torch.zeros(1, 1, 7), 2, ceil_mode=ceil).shape[-1] == expected


def test_the_stride_is_the_window_unless_it_is_given():
    assert nn.MaxPool2d(3).stride == 3 and nn.AvgPool2d((2, 3)).stride == (2, 3)
    assert pool_output_shape((16, 28, 36), 2) == (16, 14, 18)
    assert nn.MaxPool2d(3)(torch.zeros(1, 8, 20, 31)).shape[1:] == (8, 6, 10)


def test_average_pooling_counts_its_zeros_and_max_pooling_never_lets_padding_win():
    ones = torch.ones(1, 1, 3, 3)
    assert torch.allclose(F.avg_pool2d(ones, 3, 2, 1), torch.tensor(4 / 9))
    assert F.avg_pool2d(ones, 3, 2, 1, count_include_pad=False).eq(1).all()
    assert F.max_pool2d(-5 * ones, 3, 2, 1).eq(-5).all()
    with pytest.raises(RuntimeError, match="half"):
        F.max_pool2d(ones, 2, padding=2)


def test_halving_leaves_a_quarter_of_the_work_to_the_next_layer_and_doubles_what_it_spans():
    small, large = (conv_multiplications((16, side, side), 32, 3, padding=1) for side in (14, 28))
    assert 4 * small == large
    assert receptive_field([(3, 1), (3, 1)]) == 5 and receptive_field([(3, 1), (2, 2), (3, 1)]) == 8


def test_three_faces_have_the_same_maxima_and_other_bins_and_the_sum_counts_eyes():
    found = {
        name: [np.clip(10 * filters.likeness(face, part) - 9, 0, None) for part in PARTS.values()]
        for name, face in FACES.items()
    }
    assert all(map.max() == pytest.approx(1) for maps in found.values() for map in maps)
    assert [maps[0].sum() for maps in found.values()] == pytest.approx([2, 2, 3])
    bins = [
        torch.stack([pooling.adaptive_pool(torch.from_numpy(map), 3) for map in maps])
        for maps in found.values()
    ]
    assert all(not torch.allclose(bins[a], bins[b], atol=0.5) for a, b in ((0, 1), (0, 2), (1, 2)))


def test_equal_values_the_first_gets_all_or_all_get_a_share():
    x = [torch.ones(1, 1, 2, 2, requires_grad=True) for _ in range(2)]
    F.max_pool2d(x[0], 2).sum().backward()
    x[1].amax((2, 3)).sum().backward()
    assert x[0].grad.flatten().tolist() == [1, 0, 0, 0] and x[1].grad.flatten().tolist() == [0.25] * 4


def test_relu_and_max_pooling_commute_and_relu_and_the_mean_do_not():
    x = torch.randn(2, 5, 8, 6)
    assert torch.equal(F.max_pool2d(F.relu(x), 2), F.relu(F.max_pool2d(x, 2)))
    assert not torch.allclose(F.avg_pool2d(F.relu(x), 2), F.relu(F.avg_pool2d(x, 2)))


def test_average_pooling_is_a_depthwise_convolution_and_max_pooling_is_not_linear():
    x, other = torch.randn(2, 5, 8, 6), torch.randn(2, 5, 8, 6)
    mean = F.conv2d(x, torch.full((5, 1, 2, 2), 1 / 4), stride=2, groups=5)
    assert torch.allclose(mean, F.avg_pool2d(x, 2), atol=1e-6)
    assert not torch.allclose(F.max_pool2d(x + other, 2), F.max_pool2d(x, 2) + F.max_pool2d(other, 2))


def test_the_row_of_eight_numbers():
    row = torch.tensor([0.0, 0, 1, 1, 0, 0, 1, 1]).expand(2, 8)
    pools = (
        lambda rows: pooling.max_pool(rows, 2),
        lambda rows: pooling.max_blur_pool(rows, border="circular"),
    )
    found = [[pool(rows)[0].tolist() for rows in (row, row.roll(-1, 1))] for pool in pools]
    assert found == [[[0, 1, 0, 1], [1, 1, 1, 1]], [[0.5, 1, 0.5, 1], [0.75] * 4]]


def test_parameters_of_vgg_16_and_of_a_head_on_means():
    torchvision = pytest.importorskip("torchvision")
    with torch.device("meta"):
        vgg = torchvision.models.vgg16()
        head = nn.Linear(512, 1000)
    count = {name: sum(p.numel() for p in part.parameters()) for name, part in vgg.named_children()}
    assert sum(count.values()) == 138_357_544 and count["features"] == 14_714_688
    assert sum(p.numel() for p in vgg.classifier[0].parameters()) == 102_764_544
    assert sum(p.numel() for p in head.parameters()) == 513_000


def test_the_papers_rule_for_windows_gives_the_wrong_number_of_bins():
    for size, count in ((7, 4), (7, 5)):
        width, step = -(-size // count), size // count
        assert (size - width) // step + 1 == 6 != count == len(pooling.bins(size, count))


@pytest.mark.parametrize("halving", list(pooling.HALVINGS))
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_pages_function_is_the_committed_network(halving, seed):
    weights = experiments.weights("pooling_mnist", seed, halving)
    network = build(halving)
    network.load_state_dict(weights)
    network.eval()
    images = torch.rand(3, 1, 48, 40)
    with torch.no_grad():
        expected = network[:-3](images)
        assert torch.allclose(pooling.last_maps(images, weights, halving), expected, atol=1e-5)


def test_the_four_networks_have_the_same_parameters_and_recipe():
    run = experiments.metrics("pooling_mnist")
    assert {row["parameters"] for row in run["seeds"]} == {6_346} and len(run["seeds"]) == 12
    recipes = [{**arm["recipe"]} for arm in run["variants"].values()]
    assert len(recipes) == 4 and all(recipe == recipes[0] for recipe in recipes)


def test_only_what_moves_by_the_stride_is_followed_on_digits():
    digits = F.pad(data.mnist("test").images[:20, None] / 255, (10, 10, 10, 10))
    for pool in (pooling.HALVINGS["max"], pooling.max_blur_pool):
        for push in (2, -4):
            moved = pool(pooling.move(digits, push, push))
            assert torch.allclose(moved, pooling.move(pool(digits), push // 2, push // 2), atol=1e-6)
        assert pooling.changes(pool, digits, [1], period=2)[0] > 10


def test_the_script_says_what_its_run_found():
    documented = pooling_mnist.__doc__ or ""
    for name, arm in experiments.metrics("pooling_mnist")["variants"].items():
        row = f"{name:9} {arm['test_accuracy']['mean']:.2%}  {arm['kept_1']['mean']:.2%}".replace("%", " %")
        assert row in documented


def test_features_follow_a_shift_by_the_product_of_the_strides_where_no_border_is_near():
    digits = F.pad(data.mnist("test").images[:10, None] / 255, (30, 30, 30, 30))
    for halving in pooling.HALVINGS:
        weights = experiments.weights("pooling_mnist", 0, halving)
        changes = pooling.changes(
            lambda images, weights=weights, halving=halving: pooling.last_maps(images, weights, halving).mean(
                (2, 3)
            ),
            digits,
            [2, 4],
        )
        assert changes[0] > 0.5 and changes[1] < 1e-3
