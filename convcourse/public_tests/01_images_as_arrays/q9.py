from convcourse.checks import test_case

OK_FORMAT = False

name = "q9"
points = 3

@test_case(points=0.5, hidden=False,
    failure_message="shift should keep shape and type, and a picture moved by nothing should stay as it is.")
def test_shift_keeps_shape(shift):
    import torch
    assert callable(shift), 'There is no function called shift yet. Run its cell first.'
    images = torch.arange(1, 13, dtype=torch.uint8).reshape(1, 3, 4)
    out = shift(images, 0, 0)
    assert isinstance(out, torch.Tensor), 'shift should return a tensor. Does it return anything yet?'
    assert out.shape == images.shape, f'shift should keep the shape {tuple(images.shape)}, but it returned {tuple(out.shape)}.'
    assert out.dtype == images.dtype, f'shift should keep the type {images.dtype}, but it returned {out.dtype}.'
    assert torch.equal(out, images), 'A picture moved by 0 rows and 0 columns should stay as it is.'
    out = shift(images, 0, 1)
    assert (out[0, :, 0] == 0).all(), 'A picture moved to the right by one should have zeros in its first column.'

@test_case(points=0, hidden=False,
    failure_message="accuracy_by_shift should be a list of seven floats from 0 to 1.")
def test_list_of_accuracies(accuracy_by_shift):
    assert type(accuracy_by_shift) is list, 'accuracy_by_shift should be a list. Is it still "..."?'
    assert len(accuracy_by_shift) == 7, f'accuracy_by_shift should hold 7 numbers, but yours holds {len(accuracy_by_shift)}.'
    assert all((type(value) is float and 0 <= value <= 1 for value in accuracy_by_shift)), 'Every accuracy should be a float from 0 to 1.'
