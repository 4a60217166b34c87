from convcourse.checks import test_case

OK_FORMAT = False

name = "q4"
points = 2

@test_case(points=0.5, hidden=False,
    failure_message="build_mlp should return a network that takes [N, 1, 28, 28] and returns one score for each image and class.")
def test_scores_for_digits(build_mlp):
    import torch
    assert callable(build_mlp), 'There is no function called build_mlp yet. Run its cell first.'
    network = build_mlp(28, 28, 16, 10, 0.0)
    assert callable(network), 'build_mlp should return a network. Does it return anything yet?'
    out = network(torch.zeros(2, 1, 28, 28))
    assert isinstance(out, torch.Tensor), 'The network should return a tensor of scores.'
    assert tuple(out.shape) == (2, 10), f'Two images and ten classes should give scores of shape (2, 10), but yours are {tuple(out.shape)}.'
