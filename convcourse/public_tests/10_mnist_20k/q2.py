from convcourse.checks import test_case

OK_FORMAT = False

name = "q2"
points = 2

@test_case(points=0.5, hidden=False)
def test_a_layer_without_bias(count_parameters, torch):
    assert callable(count_parameters), 'count_parameters must be a function.'
    found = count_parameters(torch.nn.Linear(3, 4, bias=False))
    assert type(found) is int, "count_parameters must return an int. A tensor's numel() is one, its sum() is not."
    assert found % 4 == 0 and found > 0, 'A linear layer with 4 outputs and no bias has the same number of weights for each.'
    assert found > 4, 'Count the numbers in each tensor, not the tensors.'
    assert count_parameters(torch.nn.Linear(3, 4)) > found, 'A layer with a bias has more parameters than one without.'
