"""The palette: one colour a transcoder, the same in every figure and table of a report.

Okabe and Ito, "Color Universal Design", 2008: told apart with any kind of colour vision. Yellow and black are left out:
the first vanishes on white, the second is for text.
"""

from collections.abc import Iterable
from itertools import cycle

_OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7")

LAYER_COLOURS = {"codec": "#0072B2", "record": "#56B4E9", "manager": "#E69F00", "store": "#b5b5b5"}
"""One colour a layer of a request, from the inside out: what no transcoder changes is grey."""


def colours(specs: Iterable[str]) -> dict[str, str]:
    """A colour for each spec; after six they begin again, told apart by their labels."""
    return dict(zip(specs, cycle(_OKABE_ITO), strict=False))
