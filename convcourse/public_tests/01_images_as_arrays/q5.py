from convcourse.checks import test_case

OK_FORMAT = False

name = "q5"
points = 2

@test_case(points=0, hidden=False,
    failure_message="Both losses by hand should be positive numbers, and being right should cost less than being wrong.")
def test_losses_by_hand_are_plausible(loss_if_right, loss_if_wrong):
    import numbers
    for name, value in {'loss_if_right': loss_if_right, 'loss_if_wrong': loss_if_wrong}.items():
        assert isinstance(value, numbers.Real), f'{name} should be a number. Is it still "..."?'
        assert value > 0, f'{name} should be positive: a probability below 1 has a negative logarithm, and the loss is minus that.'
    assert loss_if_right < loss_if_wrong, 'The score of class 0 is the highest, so the loss should be lower where class 0 is right.'

@test_case(points=0.5, hidden=False,
    failure_message="cross_entropy should return one number for the batch. Where all ten scores are equal, it is the logarithm of ten.")
def test_equal_scores(cross_entropy):
    import math
    import torch
    assert callable(cross_entropy), 'There is no function called cross_entropy yet. Run its cell first.'
    out = cross_entropy(torch.zeros(4, 10), torch.tensor([0, 3, 3, 9]))
    assert out is not None, 'cross_entropy returns nothing yet.'
    assert isinstance(out, (float, torch.Tensor)), 'cross_entropy should return one number.'
    assert torch.as_tensor(out).numel() == 1, 'cross_entropy should return one number for the whole batch, not one for each image.'
    assert abs(float(out) - math.log(10)) < 0.001, 'With ten equal scores every class has probability one tenth, so the loss should be minus the natural logarithm of one tenth. Yours is not.'
