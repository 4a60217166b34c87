from convcourse.checks import test_case

OK_FORMAT = False

name = "q5"
points = 3

@test_case(points=0, hidden=False)
def test_the_layers_take_their_inputs(halve, keep, road, wide_view):
    import torch as reference
    inputs = {'halve': (1, 200, 200), 'keep': (6, 48, 75), 'road': (3, 60, 160), 'wide_view': (4, 31, 43)}
    layers = {'halve': halve, 'keep': keep, 'road': road, 'wide_view': wide_view}
    for name, layer in layers.items():
        assert callable(layer), f'{name} must be a torch.nn.Conv2d layer.'
        output = layer(reference.zeros(1, *inputs[name]))
        assert isinstance(output, reference.Tensor), f'{name} must return a tensor.'
        assert output.ndim == 4, f'{name} must return a batch of feature maps, [N, C, H, W].'
