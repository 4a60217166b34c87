"""What runs inside the sandbox, next to the student's code. Nothing here may import the rest of the grader.

The folder is mounted alone, read-only, as a top-level package called `inside`; the grader's side imports the
codec (`wire`) and the rules for networks (`graph`) from it and nothing else.
"""
