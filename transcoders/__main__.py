"""`python -m transcoders`: the command, for environments whose scripts are not on the path."""

from transcoders.cli import main

main()
