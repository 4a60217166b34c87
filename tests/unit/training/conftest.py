"""tiny.py is a reference script for the tests: it is imported as the scripts are, and holds no tests."""

collect_ignore = ["tiny.py"]
