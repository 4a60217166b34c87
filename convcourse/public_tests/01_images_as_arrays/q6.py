from convcourse.checks import test_case

OK_FORMAT = False

name = "q6"
points = 2

@test_case(points=0.5, hidden=False,
    failure_message="accuracy should return a float from 0 to 1. A model whose highest score is right for three of four images has 0.75.")
def test_three_of_four(accuracy, torch):
    import torch as reference
    assert callable(accuracy), 'There is no function called accuracy yet. Run its cell first.'
    model = torch.nn.Flatten()
    images = reference.eye(3)[reference.tensor([0, 1, 2, 2])].reshape(4, 1, 1, 3)
    out = accuracy(model, images, reference.tensor([0, 1, 2, 1]))
    assert out is not None, 'accuracy returns nothing yet.'
    assert type(out) is float, 'accuracy should return a Python float. A tensor with one value has a method .item() for that.'
    assert 0 <= out <= 1, f'accuracy should lie between 0 and 1, but yours is {out:.2f}.'
    assert abs(out - 0.75) < 1e-06, f'This model puts three of four images in the right class, but your accuracy says {out:.2f}.'
