"""All scenarios of the contract, in the order of the table."""

from tests import web_costs, web_faults, web_ids, web_parallel, web_times
from tests.web_rows import ROWS

_ORDER = (web_costs, web_ids, web_parallel, web_times, web_faults)
SCENARIOS = {name: row for module in _ORDER for name, row in ROWS.items() if row.run.__module__ == module.__name__}
"""The rows by the names of their functions."""
