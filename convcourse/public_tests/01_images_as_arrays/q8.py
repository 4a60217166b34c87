from convcourse.checks import test_case

OK_FORMAT = False

name = "q8"
points = 2

@test_case(points=0, hidden=False,
    failure_message="The two epochs should be whole numbers from 1 to 8, and validation_accuracy a float from 0 to 1.")
def test_answers_are_plausible(last_epoch, kept_epoch, validation_accuracy):
    import numbers
    for name, answer in {'last_epoch': last_epoch, 'kept_epoch': kept_epoch}.items():
        assert isinstance(answer, numbers.Integral), f'{name} should be a whole number. Is it still "..."?'
        assert 1 <= answer <= 8, f'{name} should be one of the epochs 1 to 8 of the table.'
    assert kept_epoch <= last_epoch, 'The weights that are kept come from an epoch that was run.'
    assert type(validation_accuracy) is float, 'validation_accuracy should be a float. Is it still "..."?'
    assert 0 <= validation_accuracy <= 1, 'validation_accuracy should lie between 0 and 1.'
    assert validation_accuracy > 0.5, 'The network gets fewer than half of the images right. Something goes wrong in training or in measuring.'
