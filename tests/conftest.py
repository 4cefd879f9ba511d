"""What every test may rely on: the registered types of the examples and of the golden vectors."""

import os

import pytest

from tests import golden, values


def pytest_configure() -> None:
    """Make the types known, once, before anything is collected."""
    values.register_types()
    golden.register_types()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under CI a skipped test fails the run: what it needs must be there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
