from convcourse.checks import test_case

OK_FORMAT = False

name = "q4"
points = 2

@test_case(points=0.5, hidden=False)
def test_twenty_eight_stays_twenty_eight(padding_that_keeps):
    from numbers import Integral
    import torch as reference
    assert callable(padding_that_keeps), 'padding_that_keeps must be a function.'
    for kernel in (1, 3, 7):
        padding = padding_that_keeps(kernel)
        assert isinstance(padding, Integral), 'padding_that_keeps must return a whole number (int), not a float.'
        layer = reference.nn.Conv1d(1, 1, kernel, padding=int(padding))
        size = layer(reference.zeros(1, 1, 28)).shape[-1]
        assert size == 28, f'With your padding {padding} a kernel of {kernel} turns 28 pixels into {size}.'
