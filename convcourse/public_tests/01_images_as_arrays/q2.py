from convcourse.checks import test_case

OK_FORMAT = False

name = "q2"
points = 3

@test_case(points=0.5, hidden=False,
    failure_message="normalize should keep the shape and return float32; with mean 0 and std 1 it should only scale to the range 0 to 1.")
def test_normalize_keeps_shape(normalize):
    import torch
    assert callable(normalize), 'There is no function called normalize yet. Run its cell first.'
    images = torch.tensor([[[0, 51, 255], [102, 204, 153]]], dtype=torch.uint8)
    out = normalize(images, 0.0, 1.0)
    assert isinstance(out, torch.Tensor), 'normalize should return a tensor. Does it return anything yet?'
    assert out.shape == images.shape, f'normalize should keep the shape {tuple(images.shape)}, but it returned {tuple(out.shape)}.'
    assert out.dtype == torch.float32, f'normalize should return float32, but it returned {out.dtype}.'
    assert out.min() >= 0 and out.max() <= 1, 'With mean 0 and std 1 nothing is left to do after scaling, so all values should lie between 0 and 1.'
    assert out.max() == 1, 'With mean 0 and std 1 a pixel of 255 should become exactly 1.'

@test_case(points=0.5, hidden=False,
    failure_message="pixel_statistics should return two floats, and half black, half white pixels have a mean of one half.")
def test_statistics_of_half_white(pixel_statistics):
    import torch
    assert callable(pixel_statistics), 'There is no function called pixel_statistics yet. Run its cell first.'
    half_white = torch.zeros(10, 20, 20, dtype=torch.uint8)
    half_white[:, :, 10:] = 255
    out = pixel_statistics(half_white)
    assert type(out) in (tuple, list) and len(out) == 2, 'pixel_statistics should return two values: mean, std.'
    assert all((type(value) is float for value in out)), 'Both values should be Python floats. A tensor with one value has a method .item() for that.'
    assert abs(out[0] - 0.5) < 0.01, 'Half of these pixels are black and half are white. After scaling to 0..1 the mean should be one half, and yours is not.'
