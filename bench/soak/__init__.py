"""The soak: workers use sessions in every way while they are killed and replies are cut; then the books are compared.

`python -m bench.soak --minutes 10` (or `make soak`). `worker` uses sessions and notes what it was told, `ledger` keeps
the books, `run` starts, kills and replaces workers and watches memory, `report` says what came of it.
"""
