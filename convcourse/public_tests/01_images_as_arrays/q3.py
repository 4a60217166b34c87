from convcourse.checks import test_case

OK_FORMAT = False

name = "q3"
points = 2

@test_case(points=0.5, hidden=False,
    failure_message="flatten should return a tensor of two dimensions with one row an image.")
def test_flatten_shape(flatten):
    import torch
    assert callable(flatten), 'There is no function called flatten yet. Run its cell first.'
    out = flatten(torch.zeros(2, 3, 4, 5))
    assert isinstance(out, torch.Tensor), 'flatten should return a tensor. Does it return anything yet?'
    assert out.ndim == 2, f'flatten should return a tensor with 2 dimensions, but yours has {out.ndim}. One row for each image of the batch.'
    assert out.shape[0] == 2, f'A batch of 2 images should give 2 rows, but yours has {out.shape[0]}.'
    assert out.numel() == 2 * 3 * 4 * 5, 'Flattening should neither lose nor add values.'

@test_case(points=0, hidden=False,
    failure_message="pixel_at should return the pair (row, column). The first pixel stands at the top left.")
def test_first_pixel(pixel_at):
    assert callable(pixel_at), 'There is no function called pixel_at yet. Run its cell first.'
    out = pixel_at(0, 5)
    assert type(out) in (tuple, list) and len(out) == 2, 'pixel_at should return a pair: row, column.'
    assert tuple(out) == (0, 0), 'The first pixel of any image stands at the top left, in row 0 and column 0.'
    assert all((type(part) is int for part in pixel_at(7, 5))), 'Row and column should be whole numbers, of type int.'
