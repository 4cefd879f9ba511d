"""Faces for web frameworks: sessions, cookies and headers as each framework has them.

The faces never import each other; what they share stands here.
"""

from transcoders.web.cookies import Cookie, vary

__all__ = ["Cookie", "vary"]
