"""How long a lock is in nobody's hands: two processes whose requests wait for one session's lock, again and again.

`python -m bench.handover` (or `make bench-handover`). `worker` are the requests, `findings` what their times say,
`report` holds it against the goals.
"""
