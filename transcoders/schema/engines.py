"""Engines: what turns plain trees of a declared type into bytes and back at the speed of C.

msgspec writes and checks JSON and MessagePack, libipld writes arrays of CBOR. Each writes the bytes that the codec
itself writes for the same tree, so an engine may be there on one machine and not on another. This is the only file
that imports them.
"""

from _thread import RLock  # a lock, and no thread: floor 1 has none
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import Annotated, Any, NamedTuple

from transcoders.schema.notation import Notation


class Engine(NamedTuple):
    """One engine.

    Attributes:
        pack: the bytes of a tree; raises on what it cannot write.
        unpack: the tree of bytes; raises on what is not one.
        typed: makes `unpack` for a type, checking it; None when the engine knows no types.
        native: the leaves that it reads and writes by itself.
        python: whether it writes dataclasses, Structs, Enums and tuples by itself.
        checks_range: whether it refuses integers beyond 64 bits by itself.
        text: what makes RFC 3339 text of a datetime quickly, if anything does.
        signless: whether it writes -0.0 as 0.0.
    """

    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Any]
    typed: Callable[[Any], Callable[[bytes], Any]] | None = None
    native: frozenset[str] = frozenset()
    python: bool = False
    checks_range: bool = False
    text: Callable[[Any], Any] | None = None
    signless: bool = False


_NATIVE = frozenset(("bytes", "datetime", "date", "time", "decimal", "uuid"))


def quick(codec: str, notation: Notation, own: Engine, *, sealed: bool) -> Engine:
    """The fastest engine that is installed for a codec; `own` is what the codec itself does."""
    if find_spec("msgspec") is None:
        return own
    import msgspec  # noqa: PLC0415

    if codec == "json":
        json = msgspec.json
        return Engine(json.Encoder().encode, json.Decoder().decode, _typed(json.Decoder), _NATIVE, python=True)
    if codec == "msgpack":
        msgpack = msgspec.msgpack
        return Engine(
            msgpack.Encoder(uuid_format="bytes").encode, msgpack.Decoder().decode, _typed(msgpack.Decoder), _NATIVE,
            python=True, checks_range=True,
        )  # fmt: skip
    if codec == "cbor" and notation.compact and find_spec("libipld") is not None:
        import libipld  # noqa: PLC0415

        # Its decoder takes memory for whatever length an array declares, so it reads what a seal vouches for.
        unpack = libipld.decode_dag_cbor if sealed else own.unpack
        own = own._replace(pack=libipld.encode_dag_cbor, unpack=unpack, signless=True)
    return own._replace(
        text=msgspec.to_builtins, typed=_converted(own.unpack, msgspec.convert, msgspec.ValidationError)
    )


_COMPILING = RLock()
"""msgspec remembers with a class what it makes of it, before that is whole: two threads at it together crash."""


def _typed(decoder: Any) -> Callable[[Any], Callable[[bytes], Any]]:
    def typed(wire: Any) -> Callable[[bytes], Any]:
        with _COMPILING:
            return decoder(wire).decode  # type: ignore[no-any-return]

    return typed


def integer() -> Any:
    """The type of integers of 64 bits, as far as they have a sign."""
    import msgspec  # noqa: PLC0415

    return Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]


def _converted(
    unpack: Callable[[bytes], Any], convert: Any, refusal: type[Exception]
) -> Callable[[Any], Callable[[bytes], Any]]:
    """What a codec's own library reads, checked by msgspec, which remembers what it makes of a Struct only."""

    def typed(wire: Any) -> Callable[[bytes], Any]:
        holder = struct("Holder", [("", wire)])
        with _COMPILING, suppress(refusal):
            convert({}, holder)  # it lacks its member; but now it is known, and need not be made out by many at once
        return lambda body: convert({"": unpack(body)}, holder).f0

    return typed


def struct(name: str, fields: list[tuple[str, Any]]) -> Any:
    """A type with these members by their names in the bytes, each of a type, and no others.

    Its members are f0, f1 and so on.
    """
    import msgspec  # noqa: PLC0415

    members = [(f"f{index}", wire) for index, (_, wire) in enumerate(fields)]
    rename = {f"f{index}": stored for index, (stored, _) in enumerate(fields)}
    return msgspec.defstruct(name, members, rename=rename, gc=False, forbid_unknown_fields=True)
