from convcourse.checks import test_case

OK_FORMAT = False

name = "q8"
points = 2

@test_case(points=0.25, hidden=False)
def test_runs(Features):
    import torch as reference
    assert callable(Features), 'Features must be a class.'
    found = Features()(reference.zeros(2, 1, 28, 20))
    assert isinstance(found, reference.Tensor), 'The module must return a tensor. Does forward return its result?'
    assert found.ndim == 4, f'The result must be maps [N, C, H, W]; yours has the shape {tuple(found.shape)}.'
    assert found.shape[0] == 2, 'Two images went in: two sets of maps must come out.'
    assert bool((found >= 0).all()), 'After ReLU nothing is negative, but your maps hold negative values.'
