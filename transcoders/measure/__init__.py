"""Measuring: how fast and how small each transcoder is on given payloads, and a verdict that says how sure it is.

    from transcoders.measure.plan import plan        what will be measured, and how long that takes
    from transcoders.measure.study import run        does it, and leaves a run directory
    from transcoders.measure.report import render    reads one, and writes the report

Nothing is imported here: every worker process passes through this file before it times anything.
"""
