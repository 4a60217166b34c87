from convcourse.checks import test_case

OK_FORMAT = False

name = "q7"
points = 2

@test_case(points=0.5, hidden=False,
    failure_message="split_indices should return two tensors of whole numbers with the sizes asked for.")
def test_split_sizes(split_indices):
    import torch
    assert callable(split_indices), 'There is no function called split_indices yet. Run its cell first.'
    out = split_indices(20, 5, 0)
    assert type(out) in (tuple, list) and len(out) == 2, 'split_indices should return two tensors: to train on, to judge on.'
    for part, size, name in zip(out, (15, 5), ('train', 'validation')):
        assert isinstance(part, torch.Tensor), f'The {name} indices should be a tensor.'
        assert not part.is_floating_point(), f'The {name} indices should be whole numbers.'
        assert len(part) == size, f'Of 20 images with 5 kept aside, the {name} part should hold {size} indices, but yours holds {len(part)}.'
