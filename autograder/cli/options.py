"""The arguments and options that several commands take, each written once."""

from pathlib import Path
from typing import Annotated

import typer

CourseFolder = Annotated[Path, typer.Option("--course", help="The folder of the course.", show_default=False)]
Slugs = Annotated[list[str] | None, typer.Argument(help="Exercises; all of them if none is named.")]
Secret = Annotated[
    int | None,
    typer.Option(
        "--secret-seed",
        help="A seed in place of your own secret, for practice and tests: the record says so.",
        min=0,
        max=2**64 - 1,
    ),
]
Unsafe = Annotated[
    bool, typer.Option("--unsafe", help="Grade even where this machine cannot enforce every limit.")
]
Workers = Annotated[int, typer.Option("--workers", "-j", min=1, max=256, help="Submissions graded at once.")]
GradebookAddress = Annotated[
    str | None,
    typer.Option(
        "--gradebook",
        envvar="CONVCOURSE_GRADEBOOK",
        help="Where every attempt and its gradings are kept: the path of an SQLite file, or a database's URL"
        " (postgresql+psycopg://USER@HOST/NAME).",
        show_default=False,
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", help="The Dask scheduler of a cluster that grades, tls://HOST:PORT."),
]
Tls = Annotated[
    Path | None,
    typer.Option("--tls", help="A folder with ca.pem, cert.pem and key.pem, for a scheduler elsewhere."),
]
