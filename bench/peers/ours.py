"""Ours: one table of specs. `bare` is the codec alone, `framed` what a user calls, `sealed` with a key.

With `check=read` values are checked when they are read and not when they are written, as every peer does.
"""

from functools import partial

from bench.peers.kinds import Model
from bench.peers.pipeline import Pair, Pipeline
from transcoders import transcoder

SPECS = (
    ("json", "json", "bare framed"),
    ("json", "json:layout=compact", "bare framed"),
    ("json", "json:check=read,layout=compact", "bare framed"),
    ("msgpack", "msgpack", "bare framed"),
    ("msgpack", "msgpack:layout=compact", "bare framed"),
    ("msgpack", "msgpack:check=read,layout=compact", "bare framed"),
    ("cbor", "cbor", "bare framed"),
    ("cbor", "cbor:layout=compact", "bare framed"),
    ("pickle", "pickle", "bare framed"),
    ("pickle", "pickle:layout=compact", "bare framed"),
    ("signed", "json+blake2", "sealed"),
    ("signed", "msgpack+blake2", "sealed"),
    ("signed", "msgpack:layout=compact+blake2", "sealed"),
)
"""The table, the spec, and in which forms it runs."""
_KINDS = ("dataclass", "slots", "struct")
_KEY = bytes(range(32))
_TRUSTING = ("pickle", "cbor")
"""Codecs that are bare behind a seal: without one they first look for what a stranger may have written."""


def _make(spec: str, form: str, model: Model) -> Pair:
    sealed = form == "sealed" or (form == "bare" and spec.startswith(_TRUSTING))
    made = transcoder(f"{spec}+blake2" if sealed and "+" not in spec else spec, schema=model, keys=[_KEY] * sealed)
    return made.bare() if form == "bare" else (made.encode, made.decode)


PIPELINES = tuple(
    Pipeline(f"{spec}, {form}", codec, _KINDS, partial(_make, spec, form), form=form, compact="compact" in spec)
    for codec, spec, forms in SPECS
    for form in forms.split()
)
