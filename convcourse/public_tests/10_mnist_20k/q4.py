from convcourse.checks import test_case

OK_FORMAT = False

name = "q4"
points = 3

@test_case(points=0.5, hidden=False)
def test_it_gives_scores(build_network, torch):
    import torch as reference
    assert callable(build_network), 'build_network must be a function.'
    network = build_network()
    assert callable(network), 'build_network must return a network.'
    logits = network(reference.rand(3, 1, 28, 28))
    assert isinstance(logits, reference.Tensor), 'The network must return a tensor.'
    assert tuple(logits.shape) == (3, 10), f'Three images must give 3 x 10 scores; the shape is {list(logits.shape)}.'
    size = torch.nn.utils.parameters_to_vector(network.parameters()).numel()
    assert size < 20000, f'The network has {size:,} parameters. Which layer has the most?'
