"""What every test may rely on: the registered types of the examples and of the golden vectors."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import golden, values
from tests.driving import KINDS_OF_MANAGER, Driver


def pytest_configure() -> None:
    """Make the types known, once, before anything is collected."""
    values.register_types()
    golden.register_types()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under CI a skipped test fails the run: what it needs must be there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(params=KINDS_OF_MANAGER)
def driven(request: pytest.FixtureRequest) -> Iterator[Callable[..., Driver]]:
    """Makes managers of either kind, closed at the end; see `tests.driving.Driver` for what it takes."""
    made: list[Driver] = []

    def make(*arguments: Any, **settings: Any) -> Driver:
        made.append(Driver(request.param, *arguments, **settings))
        return made[-1]

    yield make
    for one in made:
        one.end()
