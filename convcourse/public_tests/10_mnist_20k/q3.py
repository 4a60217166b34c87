from convcourse.checks import test_case

OK_FORMAT = False

name = "q3"
points = 2

@test_case(points=0.5, hidden=False)
def test_one_shape_a_layer(output_shapes, torch):
    assert callable(output_shapes), 'output_shapes must be a function.'
    layers = torch.nn
    network = layers.Sequential(layers.Conv2d(2, 3, 1), layers.ReLU(), layers.Flatten())
    found = output_shapes(network, (2, 5, 4))
    assert isinstance(found, list), 'output_shapes must return a list.'
    assert len(found) == 3, f'The network has 3 layers, ReLU among them; the list has {len(found)} entries.'
    assert all((isinstance(shape, tuple) for shape in found)), 'Each entry must be a tuple of whole numbers.'
    assert len(found[0]) == 3, 'After a convolution the shape is (channels, height, width), without the batch axis.'
    assert found[0] == found[1], 'ReLU changes values, not shapes: the first two shapes must be equal.'
    assert len(found[2]) == 1, 'After Flatten the shape has one entry.'
