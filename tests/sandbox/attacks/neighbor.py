"""Grades the honest submission again and again until its input closes, then says all the scores.

`python -m tests.sandbox.attacks.neighbor FOLDER`.
"""

import json
import select
import sys
import uuid
from pathlib import Path

from .graded import Place, grade

if __name__ == "__main__":
    place = Place(Path(sys.argv[1]), "canary", f"neighbor-{uuid.uuid4().hex}")
    scores = []
    while True:
        scores.append(grade(place.honest, place)[0].score)
        if select.select([sys.stdin], [], [], 0.5)[0]:
            break
    place.close()
    print(json.dumps(scores))
