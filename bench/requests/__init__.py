"""Whole requests through the session manager and Redis or Valkey, against clients that only move the bytes.

`python -m bench.requests` (or `make bench-requests`). `sessions` holds what is stored, `floors` and `ours` are the
requests, `lanes` lets threads, asyncio and uvloop take turns, `counts` asks the server what was sent, `verdict`
compares with the goals.
"""
