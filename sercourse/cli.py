"""The command line: ``sercourse COMMAND``. The commands themselves are in ``sercourse/commands/``.

A user's mistake is one sentence on standard error and exit code 2; an interrupt is exit code 130.
"""

from __future__ import annotations

import sys
import warnings
from typing import Annotated

import typer

from sercourse import __version__
from sercourse.commands import corpora, networks, progress_page, results, voice, workshop
from sercourse.commands.options import console
from sercourse.errors import UserError

COMMANDS = (
    corpora.doctor, corpora.corpora, corpora.features,
    networks.baseline, networks.train, networks.predict, networks.compare,
    voice.app, results.explore, results.reproduce, results.demo,
    progress_page.progress, workshop.reset, workshop.prefetch,
)  # fmt: skip
"""In the order of ``sercourse --help``; a command's name is its function's."""

INTERRUPTED = 130
"""Exit code after Ctrl-C."""

app = typer.Typer(
    help="Multi-task speech emotion recognition: corpora, features, baselines, networks, experiments.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _command in COMMANDS:
    app.command()(_command)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False) -> None:
    if version:
        console.print(f"sercourse {__version__}")
        raise typer.Exit


def _show_warning(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    if issubclass(category, UserWarning):
        print(f"Warning: {message}", file=sys.stderr)


def main() -> None:
    """Entry point of the command ``sercourse``."""
    warnings.showwarning = _show_warning
    try:
        app()
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except SystemExit as left:
        if left.code == INTERRUPTED:
            print("Interrupted; what was computed is kept.", file=sys.stderr)
            print("To go on, start the same command again (`train`: with --resume).", file=sys.stderr)
        raise


if __name__ == "__main__":
    main()
