"""Lost updates: requests of two processes count one counter up, in one session, all at once.

`python -m bench.updates` (or `make bench-updates`). `worker` increments, `tally` compares what was acknowledged with
what is stored, `table` is the matrix of stores, locking modes, tasks and handlers.
"""
