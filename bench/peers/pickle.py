"""pickle as it comes: the objects themselves. Reading it runs what the bytes say; it is here to be compared with."""

import pickle
from functools import partial

from bench.peers.kinds import Model
from bench.peers.pipeline import Pair, Pipeline


def _pickle(_: Model) -> Pair:
    return partial(pickle.dumps, protocol=5), pickle.loads


PIPELINES = (Pipeline("pickle of the objects, unsafe", "pickle", ("dataclass",), _pickle, claims=False),)
