from convcourse.checks import test_case

OK_FORMAT = False

name = "q7"
points = 2

@test_case(points=0.25, hidden=False)
def test_one_gray_filter(conv_parameters):
    from numbers import Integral
    assert callable(conv_parameters), 'conv_parameters must be a function.'
    count = conv_parameters(1, 1, 5, bias=False)
    assert isinstance(count, Integral), 'conv_parameters must return a whole number (int). Is there a return?'
    assert count == 5 * 5, f'A 5 × 5 filter over one gray channel has a weight for each pixel under it, not {count}.'

@test_case(points=0.25, hidden=False)
def test_grows_with_the_image(dense_parameters):
    from numbers import Integral
    assert callable(dense_parameters), 'dense_parameters must be a function.'
    small, large = (dense_parameters((1, 4, 4), (1, 2, 2)), dense_parameters((1, 8, 4), (1, 2, 2)))
    assert isinstance(small, Integral) and isinstance(large, Integral), 'dense_parameters must return an int.'
    assert large - small == 16 * 4, 'Sixteen more inputs need one more weight each for every one of the four outputs.'
