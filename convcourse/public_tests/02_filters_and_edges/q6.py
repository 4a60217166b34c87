from convcourse.checks import test_case

OK_FORMAT = False

name = "q6"
points = 3

@test_case(points=0.5, hidden=False,
    failure_message="sobel should return two arrays with the shape of the image, edge_strength one, and line_kernel should be a 3 x 3 array that answers 0 on a flat picture.")
def test_shapes_and_flat_picture(sobel, edge_strength, line_kernel):
    import numpy as np
    assert callable(sobel), 'There is no function called sobel yet. Run its cell first.'
    assert callable(edge_strength), 'There is no function called edge_strength yet. Run its cell first.'
    flat = np.full((4, 7), 0.3)
    out = sobel(flat)
    assert type(out) in (tuple, list) and len(out) == 2, 'sobel should return two arrays: across, down.'
    results = {'across': out[0], 'down': out[1], 'edge_strength': edge_strength(flat)}
    for name, result in results.items():
        assert isinstance(result, np.ndarray), f'{name} should be a NumPy array. Does the function return it yet?'
        assert result.shape == flat.shape, f'{name} should have the shape of the image, but has {result.shape}.'
        assert np.abs(result).max() < 1e-09, f'A flat picture has no edges, so {name} should be 0 everywhere, also at the border.'
    assert isinstance(line_kernel, np.ndarray), 'line_kernel should be a NumPy array. Is it still "..."?'
    assert line_kernel.shape == (3, 3), f'line_kernel should be 3 x 3, but it is {line_kernel.shape}.'
    assert abs(line_kernel.sum()) < 1e-09, 'line_kernel should answer 0 on a flat picture. What must its weights add up to for that?'
