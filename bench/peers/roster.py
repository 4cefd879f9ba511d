"""The roster: every pipeline whose library is installed."""

from importlib import import_module

from bench.peers.pipeline import Pipeline

_FILES = (
    "msgspec",
    "serpyco",
    "pydantic",
    "cattrs",
    "mashumaro",
    "composed",
    "msgspec_cbor",
    "pickle",
    "signed",
    "ours",
)


def roster() -> tuple[list[Pipeline], dict[str, str]]:
    """The pipelines in the order of the tables, ours last; and which files are left out, with what they miss."""
    found: list[Pipeline] = []
    absent: dict[str, str] = {}
    for name in _FILES:
        try:
            found += import_module(f"bench.peers.{name}").PIPELINES
        except ImportError as error:
            absent[name] = str(error)
    return found, absent
