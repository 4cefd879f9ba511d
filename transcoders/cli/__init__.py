"""The `transcoders` command."""

import sys

from transcoders.errors import MissingExtra


def main() -> None:
    """Run the command and exit; without the packages it needs, say which extra installs them."""
    try:
        from transcoders.cli.app import app  # noqa: PLC0415
    except ImportError:
        sys.exit(str(MissingExtra("the transcoders command", "cli")))
    app(prog_name="transcoders")
