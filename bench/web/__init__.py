"""Sessions in web frameworks: what a request costs beyond the bare framework, with our faces and with the peers'.

A stack is a framework with somebody's sessions. Each runs in a worker process with a database of its own on one Valkey,
and is called as a server would call it, without HTTP; workers take turns, one at a time, in short batches.
"""
