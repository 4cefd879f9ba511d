"""Typed, validated round trips: ours against the best validating peers, on the same models, side by side.

`python -m bench.peers` (or `make bench-peers`). `models` and `values` hold the payloads, `kinds` the model classes, one
file a library the peers; `checks` says who validates, `contest` measures, `verdict` compares with the goals.
"""
