"""The steps of exercise 01 as the course takes them, against the rest of the library and PyTorch's own."""

import torch
from torch import nn
from torch.nn import functional as F

from convcourse import mlp
from convcourse.data import ImageSet, split
from convcourse.training import evaluate


def test_the_indices_are_those_of_the_library_s_split():
    """The grader measures on the images that `split` keeps aside, students on those of `split_indices`."""
    images = ImageSet(torch.zeros(50, 28, 28, dtype=torch.uint8), torch.arange(50), "digits")
    for seed in (0, 7):
        parts = split(images, validation=12, seed=seed)
        indices = mlp.split_indices(50, 12, seed)
        assert [part.labels.tolist() for part in parts] == [part.tolist() for part in indices]


def test_dropout_comes_between_relu_and_the_last_layer():
    assert [type(layer) for layer in mlp.build_mlp(3, 4, dropout=0.3)] == [
        nn.Flatten,
        nn.Linear,
        nn.ReLU,
        nn.Dropout,
        nn.Linear,
    ]
    assert mlp.build_mlp(3, 4, dropout=0.3)[3].p == 0.3


def test_an_epoch_takes_one_step_a_batch_in_train_mode():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3)).eval()
    images, labels = torch.randn(5, 1, 2, 2), torch.tensor([0, 1, 2, 0, 1])
    learned = [parameter.detach().clone().requires_grad_() for parameter in model.parameters()]
    mlp.train_epoch(model, torch.optim.SGD(model.parameters(), lr=0.5), images, labels, batch_size=3)
    for batch in (slice(0, 3), slice(3, 5)):
        loss = F.cross_entropy(F.linear(images[batch].flatten(1), *learned), labels[batch])
        steps = torch.autograd.grad(loss, learned)
        learned = [
            (old - 0.5 * step).detach().requires_grad_() for old, step in zip(learned, steps, strict=True)
        ]
    assert model.training
    assert all(torch.allclose(*pair) for pair in zip(model.parameters(), learned, strict=True))


def test_accuracy_is_evaluate_s_and_leaves_the_mode_as_it_was():
    torch.manual_seed(0)
    images, labels = torch.randint(0, 256, (40, 5, 6), dtype=torch.uint8), torch.arange(40) % 10
    model = mlp.build_mlp(5, 6, dropout=0.9)
    for training in (True, False):
        model.train(training)
        share = mlp.accuracy(model, images[:, None] / 255, labels)
        assert share == evaluate(model, ImageSet(images, labels, "digits"))[1]
        assert model.training is training
