from convcourse.checks import test_case

OK_FORMAT = False

name = "q5"
points = 2

@test_case(points=0.5, hidden=False)
def test_it_learns(train_epoch, torch):
    import torch as reference
    assert callable(train_epoch), 'train_epoch must be a function.'
    labels = reference.arange(60) % 2
    images = labels[:, None, None, None] + 0.1 * reference.rand(60, 1, 3, 2)
    layer = torch.nn.Linear(6, 2)
    network = torch.nn.Sequential(torch.nn.Flatten(), layer)
    before = layer.weight.clone()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    first = train_epoch(network, optimizer, images, labels, 16)
    assert isinstance(first, tuple) and len(first) == 2, 'Return the pair (loss, accuracy).'
    assert all((isinstance(value, float) for value in first)), 'Loss and accuracy must be floats; .item() makes one.'
    assert not reference.equal(before, layer.weight), 'The weights did not change: does the optimizer take its steps?'
    for _ in range(10):
        last = train_epoch(network, optimizer, images, labels, 16)
    assert last[0] < first[0], 'After more epochs on the same easy images the loss must be lower.'
    assert 0 <= last[1] <= 1, 'The accuracy is a fraction between 0 and 1.'
