"""The demo: replicas of a small shop behind a round-robin balancer, and a login that stays, or does not.

`crew` starts, stops and counts the replicas, which are processes of `replica`; each serves the shop of `site`, drawn
by `page`. `balancer` is what the browser talks to. Standard library only, besides what the sessions need.
"""
