from convcourse.checks import test_case

OK_FORMAT = False

name = "q6"
points = 3

@test_case(points=0, hidden=False)
def test_the_answers_have_the_right_form(shapes, parameters, values, wide_values):
    from numbers import Integral
    assert isinstance(shapes, list) and len(shapes) == 4, 'shapes must be a list of four shapes.'
    for number, shape in enumerate(shapes, 1):
        assert isinstance(shape, (tuple, list)) and len(shape) == 3, f'Shape {number} must have three entries: channels, height, width.'
        assert all((isinstance(size, Integral) for size in shape)), f'Shape {number} must hold whole numbers.'
    assert isinstance(parameters, list) and len(parameters) == 4, 'parameters must be a list of four numbers.'
    assert all((isinstance(count, Integral) for count in parameters)), 'parameters must hold whole numbers.'
    assert isinstance(values, Integral), 'values must be one whole number.'
    assert isinstance(wide_values, Integral), 'wide_values must be one whole number.'
    assert wide_values > values, 'A wider image has more window positions, so more values come out.'

@test_case(points=0, hidden=False)
def test_the_network_runs(build_network):
    import torch as reference
    assert callable(build_network), 'build_network must be a function.'
    network = build_network()
    assert callable(network), 'build_network must return an nn.Sequential. Is there a return?'
    output = network(reference.zeros(2, 3, 130, 130))
    assert isinstance(output, reference.Tensor) and output.ndim == 4, 'The network must turn a batch of images into a batch of feature maps, [N, C, H, W].'
    assert output.shape[0] == 2, 'Two images went in: two sets of feature maps must come out.'
