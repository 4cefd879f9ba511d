"""A child process for what would harm the tests' own: a crash, a memory bomb, a fresh import."""

import subprocess
import sys

LEAST_MEMORY = """
import resource
with open("/proc/self/statm") as file:
    pages = int(file.read().split()[0])
ceiling = pages * resource.getpagesize() + (64 << 20)
resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
"""
"""Code that leaves 64 MiB of address space from where it stands; Linux only."""


def run(code: str, *arguments: object) -> str:
    """What the code printed.

    Raises:
        AssertionError: the process did not end well: killed by a signal, or by an exception that is shown.
    """
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own code
    assert done.returncode == 0, f"the child ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout
