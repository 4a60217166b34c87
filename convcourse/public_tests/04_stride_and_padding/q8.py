from convcourse.checks import test_case

OK_FORMAT = False

name = "q8"
points = 1

@test_case(points=0.5, hidden=False)
def test_every_second_value(subsample):
    import torch as reference
    assert callable(subsample), 'subsample must be a function.'
    dense = reference.arange(210.0).reshape(2, 3, 5, 7)
    thin = subsample(dense, (2, 2))
    assert isinstance(thin, reference.Tensor), 'subsample must return a tensor.'
    assert thin.ndim == 4, 'subsample must return feature maps [N, C, H, W].'
    assert tuple(thin.shape[:2]) == (2, 3), f'2 images with 3 channels each went in, {thin.shape[0]} with {thin.shape[1]} came out: stride acts on height and width only.'
    assert thin[0, 0, 0, 0] == 0, 'The first value stays the first: the window starts in the corner.'
    assert thin.numel() < dense.numel(), 'With stride 2 fewer values must be left.'
