from convcourse.checks import test_case

OK_FORMAT = False

name = "q1"
points = 2

@test_case(points=0, hidden=False)
def test_answers_are_possible(by_hand):
    from numbers import Integral
    assert isinstance(by_hand, dict), 'by_hand must be a dict with the entries a to f.'
    for name in 'abcde':
        assert isinstance(by_hand.get(name), Integral), f"by_hand['{name}'] must be a whole number."
    pair = by_hand.get('f')
    assert isinstance(pair, (tuple, list)) and len(pair) == 2, "by_hand['f'] must be a pair (height, width)."
    assert all((isinstance(size, Integral) for size in pair)), "Both sizes in by_hand['f'] must be whole numbers."
    padded = {'a': 11, 'b': 11, 'c': 16, 'd': 14, 'e': 10}
    for name, width in padded.items():
        assert 1 <= by_hand[name] < width, f"by_hand['{name}'] cannot be right: the padded row has {width} pixels, and a kernel wider than one pixel has at least one position and fewer positions than the row has pixels."
    assert by_hand['b'] < by_hand['a'], 'Stride 2 skips positions: b must be smaller than a.'
