"""Fuzzing: hostile bytes by the million. Run: python -m tests.fuzz [TARGET …] --seconds 60 --seed N.

A target is a reader of bytes with its oracle; whatever exception leaves its check is a bug. Each target runs in its
own child under a limit of memory and of time for each input. Inputs are mutations of bytes, and of the trees that the
bytes hold; atheris guides them by coverage where it is installed, and by new outcomes where it is not.
"""
