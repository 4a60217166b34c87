"""One training loop, the same for the pages, the exercises and the reference networks: `fit` and `evaluate`.

Read [loop.py](loop.py) first: it is the loop and nothing else. [recipe.py](recipe.py) holds what you choose,
and [setup.py](setup.py) makes from it what the loop uses. Each other file holds one thing that these rest on:
the log, the device, augmentation, the way batches come, checkpoints, several processes, errors.
"""

from convcourse.training.augment import Augment, random_affine, random_crop_flip
from convcourse.training.checkpoint import CheckpointError
from convcourse.training.device import choose_device, choose_precision, set_seed
from convcourse.training.errors import OutOfMemory, TrainingDiverged
from convcourse.training.estimate import seconds_per_epoch
from convcourse.training.evaluation import Normalize, evaluate, predict
from convcourse.training.log import COLUMNS, Log
from convcourse.training.loop import fit
from convcourse.training.recipe import Recipe, adamw, cross_entropy, in_words, one_cycle

__all__ = [
    "COLUMNS",
    "Augment",
    "CheckpointError",
    "Log",
    "Normalize",
    "OutOfMemory",
    "Recipe",
    "TrainingDiverged",
    "adamw",
    "choose_device",
    "choose_precision",
    "cross_entropy",
    "evaluate",
    "fit",
    "in_words",
    "one_cycle",
    "predict",
    "random_affine",
    "random_crop_flip",
    "seconds_per_epoch",
    "set_seed",
]
