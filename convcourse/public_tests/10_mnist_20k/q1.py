from convcourse.checks import test_case

OK_FORMAT = False

name = "q1"
points = 2

@test_case(points=0, hidden=False)
def test_answers_are_possible(by_hand):
    assert isinstance(by_hand, dict), 'by_hand must be a dict with the entries a to f.'
    for name in 'abcdef':
        value = by_hand.get(name)
        assert type(value) is int, f"by_hand['{name}'] must be a whole number."
        assert value >= 0, f"by_hand['{name}'] is negative: a layer cannot learn fewer than no numbers."
    assert by_hand['e'] > by_hand['f'], 'e sees more values than f and has as many outputs: it must learn more.'
    assert by_hand['a'] % 12 == 0, 'a has 12 filters that are all alike in size: the count must be a multiple of 12.'
