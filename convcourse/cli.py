"""The command `convcourse`: fetch data, export a network, hand in.

Exit code 0: done; 1: not done, with the reason; 2: the command line is not one of ours.
"""

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from convcourse import __version__


class CommandError(RuntimeError):
    """The command cannot be carried out; the message says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = parser().parse_args(arguments)
    try:
        return options.run(options)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """The command line, which REFERENCE.md is written from."""
    parser = argparse.ArgumentParser(
        prog="convcourse", description="The student's side of the course on convolutional networks."
    )
    parser.add_argument("--version", action="version", version=f"convcourse {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    data = commands.add_parser("data", help="download a data set, or say where it is")
    data.add_argument("name", choices=["mnist"], help="the data set")
    data.set_defaults(run=_data)

    export = commands.add_parser(
        "export",
        help="write a trained network as network.onnx, with its training log",
        description=(
            "Builds NETWORK, loads its trained weights and writes network.onnx and training_log.json. "
            "In a notebook, convcourse.export.export_network does the same."
        ),
    )
    export.add_argument(
        "network",
        metavar="NETWORK",
        help="where the network is made: FILE.py:NAME or MODULE:NAME, a class or function without arguments",
    )
    export.add_argument("--weights", type=Path, required=True, help="its state_dict, saved by torch.save")
    export.add_argument("--log", type=Path, required=True, help="its log, saved by log.save")
    export.add_argument(
        "--out", type=Path, default=Path("."), help="the folder to write into (default: here)"
    )
    export.set_defaults(run=_export)

    submit = commands.add_parser("submit", help="make the zip file to hand in")
    submit.add_argument(
        "slug",
        metavar="EXERCISE",
        help="the exercise, such as 04_stride_and_padding, or your notebook's file",
    )
    submit.add_argument("--notebook", type=Path, help="your notebook (default: SLUG.ipynb)")
    submit.add_argument(
        "--folder", type=Path, help="where everything lies (default: here, or where the notebook's file is)"
    )
    submit.set_defaults(run=_submit)
    return parser


def _data(options: argparse.Namespace) -> int:
    from convcourse.data import DataError, fetch

    try:
        folder = fetch(options.name)
    except DataError as error:
        return _fail(
            f"{error}\nUntil then the course works with scikit-learn's small digits, and says where it does."
        )
    print(f"MNIST is in {folder}")
    return 0


def _export(options: argparse.Namespace) -> int:
    try:
        module = _load(options.network)
        for path in (options.weights, options.log):
            if not path.is_file():
                raise CommandError(f"there is no file {path}")
        from convcourse.export import ExportError, export_network
        from convcourse.training import Log

        _load_weights(module, options.weights)
        try:
            print(export_network(module, Log.load(options.log), options.out))
        except (ExportError, ValueError, OSError) as error:
            raise CommandError(str(error)) from None
    except CommandError as error:
        return _fail(str(error))
    return 0


def _submit(options: argparse.Namespace) -> int:
    from convcourse.submit import SubmitError, exercise_of, make_zip

    slug, notebook, folder = options.slug, options.notebook, options.folder
    try:
        if slug.endswith(".ipynb"):
            notebook = Path(slug)
            slug, folder = exercise_of(notebook), folder or notebook.parent
        folder = folder or Path(".")
        submission = make_zip(slug, notebook or folder / f"{slug}.ipynb", folder)
    except (SubmitError, OSError) as error:
        return _fail(f"No zip was made: {error}")
    print(submission)
    return 1 if submission.missing else 0


def _load(name: str) -> Any:
    """The network that FILE.py:NAME or MODULE:NAME makes; this runs that file, as importing it would."""
    from torch import nn

    place, colon, attribute = name.rpartition(":")
    if not colon or not place or not attribute:
        raise CommandError(f"NETWORK must be FILE.py:NAME or MODULE:NAME, got {name!r}")
    sys.path.insert(0, str(Path.cwd()))
    try:
        made = getattr(_module(place), attribute)
    except (ImportError, OSError) as error:
        raise CommandError(f"{place} cannot be imported: {error}") from None
    except AttributeError:
        raise CommandError(f"{place} has no {attribute!r}") from None
    network = made if isinstance(made, nn.Module) else made()
    if not isinstance(network, nn.Module):
        raise CommandError(f"{name} must make a torch.nn.Module, but it makes a {type(network).__name__}")
    return network


def _module(place: str) -> Any:
    if not place.endswith(".py"):
        return importlib.import_module(place)
    path = Path(place)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None  # a .py file always has a loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _load_weights(network: Any, path: Path) -> None:
    import torch

    try:
        # weights_only: the file may hold tensors and nothing that runs.
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:
        raise CommandError(
            f"{path} does not hold this network's weights: save them with "
            f"torch.save(network.state_dict(), ...). {error}"
        ) from None


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
