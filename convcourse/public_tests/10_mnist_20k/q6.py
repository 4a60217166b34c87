from convcourse.checks import test_case

OK_FORMAT = False

name = "q6"
points = 2

@test_case(points=0.5, hidden=False)
def test_two_floats(evaluate, torch):
    import torch as reference
    assert callable(evaluate), 'evaluate must be a function.'
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, 3))
    found = evaluate(network, reference.rand(7, 1, 2, 3), reference.arange(7) % 3, 3)
    assert isinstance(found, tuple) and len(found) == 2, 'Return the pair (loss, accuracy).'
    assert all((isinstance(value, float) for value in found)), 'Loss and accuracy must be floats; .item() makes one.'
    assert found[0] > 0, 'The cross-entropy of a guess is more than 0.'
    assert 0 <= found[1] <= 1, 'The accuracy is a fraction between 0 and 1.'
