"""results.json in Gradescope's schema, one a submission."""

import json
from pathlib import Path
from typing import Any

from autograder.files import write_whole


def write_results(path: Path, document: dict[str, Any]) -> None:
    """Write `document` as JSON; a number that JSON does not know is an error, never a NaN in a file."""
    write_whole(path, json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
