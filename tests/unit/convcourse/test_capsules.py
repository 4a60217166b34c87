"""Capsules: routing is the paper's equations over the parents, the losses are the paper's."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from convcourse.capsules import (
    Decoder,
    DigitCapsules,
    PrimaryCapsules,
    lengths,
    margin_loss,
    mask,
    reconstruction_loss,
    route,
    squash,
)

# No two sizes alike, so that a swapped axis cannot fit.
N, I, K, J, D = 3, 7, 4, 5, 6  # noqa: E741  the paper's own letters


def example(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    children = torch.randn(N, I, K, generator=generator, dtype=torch.float64)
    return children, torch.randn(J, I, K, D, generator=generator, dtype=torch.float64)


def squashed(s: list[float]) -> list[float]:
    length = math.sqrt(sum(x * x for x in s))
    return [x / length * length**2 / (1 + length**2) for x in s]


def normalized_over_parents(logits: list[list[float]], i: int, j: int) -> float:
    return math.exp(logits[i][j]) / sum(math.exp(logits[i][parent]) for parent in range(J))


def normalized_over_children(logits: list[list[float]], i: int, j: int) -> float:
    """What many public versions do: wrong."""
    return math.exp(logits[i][j]) / sum(math.exp(logits[child][j]) for child in range(I))


def routed_slowly(children: Tensor, weight: Tensor, iterations: int, share) -> tuple[Tensor, Tensor]:
    """Procedure 1 of the paper with plain numbers: `share` says how logits become coefficients."""
    parents, coupling = torch.zeros(N, J, D).double(), torch.zeros(N, I, J).double()
    for n in range(N):
        u, w = children[n].tolist(), weight.tolist()
        votes = [
            [[sum(u[i][k] * w[j][i][k][d] for k in range(K)) for d in range(D)] for j in range(J)]
            for i in range(I)
        ]
        logits = [[0.0] * J for _ in range(I)]
        for _ in range(iterations):
            c = [[share(logits, i, j) for j in range(J)] for i in range(I)]
            v = [
                squashed([sum(c[i][j] * votes[i][j][d] for i in range(I)) for d in range(D)])
                for j in range(J)
            ]
            for i in range(I):
                for j in range(J):
                    logits[i][j] += sum(votes[i][j][d] * v[j][d] for d in range(D))
        parents[n], coupling[n] = torch.tensor(v).double(), torch.tensor(c).double()
    return parents, coupling


@pytest.mark.parametrize("iterations", [1, 2, 3, 5])
def test_routing_is_the_procedure_of_the_paper(iterations):
    children, weight = example()
    parents, coupling = route(children, weight, iterations)
    slow_parents, slow_coupling = routed_slowly(children, weight, iterations, normalized_over_parents)
    torch.testing.assert_close(parents, slow_parents, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(coupling, slow_coupling, rtol=1e-6, atol=1e-7)


def test_normalizing_over_the_children_would_be_seen():
    """The mistake of public versions gives other parents, by far more than the tolerance above."""
    children, weight = example()
    parents, coupling = route(children, weight)
    wrong_parents, wrong_coupling = routed_slowly(children, weight, 3, normalized_over_children)
    assert (parents - wrong_parents).abs().max() > 0.1
    assert (coupling - wrong_coupling).abs().max() > 0.1


def test_each_child_gives_itself_away_once():
    _, coupling = route(*example())
    torch.testing.assert_close(coupling.sum(dim=2), torch.ones(N, I).double())
    assert (coupling.sum(dim=1) - 1).abs().max() > 0.1, "the children of a parent need not sum to 1"


def test_agreement_wins_more_with_every_iteration():
    """Two children agree on parent 0 and contradict each other on parent 1."""
    weight = torch.tensor([[[[1.0, 0.0]], [[1.0, 0.0]]], [[[1.0, 0.0]], [[-1.0, 0.0]]]])
    shares = [route(torch.ones(1, 2, 1), weight, n)[1][0, :, 0].tolist() for n in (1, 2, 3, 4)]
    assert shares[0] == [0.5, 0.5]
    assert all(later[0] > earlier[0] for earlier, later in pairwise(shares))


def test_images_of_a_batch_do_not_touch_each_other():
    children, weight = example()
    together = route(children, weight)[0]
    alone = torch.cat([route(children[n : n + 1], weight)[0] for n in range(N)])
    torch.testing.assert_close(together, alone)


def test_gradients_of_routing_are_right():
    generator = torch.Generator().manual_seed(1)
    children = torch.randn(2, 3, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(4, 3, 2, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda u, w: route(u, w)[0], (children, weight))


def test_gradients_reach_every_weight():
    torch.manual_seed(0)
    primary, digits = PrimaryCapsules(2, channels=3, dimensions=4, kernel_size=3), DigitCapsules(36, 4, 5, 6)
    capsules = digits(primary(torch.rand(3, 2, 7, 9)))  # 3 channels of 3 x 4 places
    decoder = Decoder(5, 6, (1, 3, 4), (8, 9))
    labels = torch.tensor([4, 0, 2])
    loss = margin_loss(lengths(capsules), labels)
    (loss + reconstruction_loss(decoder(capsules, labels), torch.rand(3, 1, 3, 4))).backward()
    for part in (primary, digits, decoder):
        for name, parameter in part.named_parameters():
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("length", [0.01, 0.5, 1.0, 3.0, 1e4])
def test_squash_keeps_direction_and_gives_the_length_of_equation_1(length):
    direction = torch.tensor([2.0, -1.0, 2.0]) / 3
    shortened = squash(length * direction)
    assert shortened.norm().item() == pytest.approx(length**2 / (1 + length**2), rel=1e-5)
    torch.testing.assert_close(shortened / shortened.norm(), direction)


def test_a_zero_vector_has_a_zero_gradient_and_no_nan():
    zero = torch.zeros(2, 3, requires_grad=True)
    (squash(zero).sum() + lengths(squash(zero)).sum()).backward()
    assert torch.equal(zero.grad, torch.zeros(2, 3))


def test_primary_capsules_are_groups_of_neighbouring_channels():
    torch.manual_seed(0)
    layer = PrimaryCapsules(2, channels=3, dimensions=4, kernel_size=3, stride=2)
    maps = torch.rand(5, 2, 9, 13)
    values, capsules = layer.conv(maps), layer(maps)  # [5, 12, 4, 6]
    assert capsules.shape == (5, 3 * 4 * 6, 4)
    channel, row, column = 2, 1, 5
    expected = squash(values[3, 4 * channel : 4 * channel + 4, row, column])
    torch.testing.assert_close(capsules[3, (channel * 4 + row) * 6 + column], expected)
    assert (lengths(capsules) < 1).all()
    channels_last = layer(maps.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(capsules, channels_last)


def test_margin_loss_worked_by_hand():
    long = torch.tensor([[0.95, 0.05, 0.3, 0.1], [0.4, 0.85, 0.0, 0.6]])
    # image 0, class 2: 0.6² present; 0.5 * 0.85² for class 0. Image 1, class 1: 0.05²; 0.5 * (0.3² + 0.5²).
    by_hand = ((0.36 + 0.5 * 0.7225) + (0.0025 + 0.5 * (0.09 + 0.25))) / 2
    assert margin_loss(long, torch.tensor([2, 1])).item() == pytest.approx(by_hand, rel=1e-6)
    perfect = torch.tensor([[0.9, 0.1, 0.0]])
    assert margin_loss(perfect, torch.tensor([0])).item() == 0


def test_the_decoder_sees_only_the_capsule_of_the_label():
    torch.manual_seed(0)
    capsules, labels = torch.rand(2, 5, 6), torch.tensor([3, 0])
    kept = mask(capsules, labels)
    assert torch.equal(kept[0, 3], capsules[0, 3]) and torch.equal(kept[1, 0], capsules[1, 0])
    assert kept.count_nonzero() == 12
    decoder = Decoder(5, 6, (2, 3, 4), (8, 9))
    changed = capsules.clone()
    changed[0, [0, 1, 2, 4]] = 9.0
    assert torch.equal(decoder(capsules, labels)[0], decoder(changed, labels)[0])
    changed[0, 3] = 0.5
    assert not torch.equal(decoder(capsules, labels)[0], decoder(changed, labels)[0])
    images = decoder(capsules, labels)
    assert images.shape == (2, 2, 3, 4) and images.min() > 0 and images.max() < 1


def test_reconstruction_is_a_sum_over_pixels_and_a_mean_over_images():
    drawn, images = torch.zeros(2, 1, 3, 4), torch.zeros(2, 1, 3, 4)
    images[0] = 0.5  # 12 pixels of 0.25
    assert reconstruction_loss(drawn, images).item() == pytest.approx(0.0005 * 3 / 2)


def test_half_precision_routes_to_nearly_the_same_parents():
    children, weight = (tensor.float() for tensor in example())
    with torch.autocast("cpu", torch.bfloat16):
        half = route(children, weight)[0]
    assert (half - route(children, weight)[0]).abs().max() < 0.05


@pytest.mark.parametrize(
    "children, weight, iterations, message",
    [
        ((3, 7), (5, 7, 4, 6), 3, r"children must have the shape \[N, I, K\], got \[3, 7\]"),
        ((3, 7, 4), (7, 5, 4, 6), 3, r"weight must have the shape \[J, 7, 4, D\].*got \[7, 5, 4, 6\]"),
        ((3, 7, 4), (5, 7, 4), 3, r"weight must have the shape \[J, 7, 4, D\]"),
        ((3, 7, 4), (5, 7, 4, 6), 0, "iterations must be at least 1, got 0"),
    ],
)
def test_shapes_that_do_not_fit_are_named(children, weight, iterations, message):
    with pytest.raises(ValueError, match=message):
        route(torch.zeros(children), torch.zeros(weight), iterations)
