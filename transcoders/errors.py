"""The error tree, branched by who must act.

`SpecError`: the configuration is wrong, stop at start-up. `EncodeError`: the application put something
in that no transcoder carries, fix the caller. `DecodeError`: the stored bytes are wrong, count it and treat
it as no session, never as an empty one. `SessionError`: the session cannot be had or saved as things are, try
again or give up. No message holds a key or a session id, and of a payload a fragment at most.
"""

from collections.abc import Sequence


class TranscoderError(Exception):
    """Anything this library raises on purpose."""


class SpecError(TranscoderError, ValueError):
    """The configuration is wrong: fix it before serving requests."""


class MissingExtra(SpecError, ImportError):  # noqa: N818 - named after what is missing, as the design has it
    """The configuration is right, but a package it needs is not installed."""

    def __init__(self, what: str, extra: str | None) -> None:
        line = f'pip install "transcoders[{extra}]"' if extra else "pip install transcoders"
        super().__init__(f"{what} needs a package that is not installed: {line}")
        self.extra = extra


class EncodeError(TranscoderError, ValueError):
    """The value cannot be encoded.

    Attributes:
        path: where in the value, as `$.cart[3].when`; the first of them where there are problems.
        problems: everything that is wrong with a value of a declared type, each a path and a message.
    """

    def __init__(self, message: str, path: str = "$", problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(f"{path}: {message}")
        self.path, self.problems = path, tuple(problems)


class DecodeError(TranscoderError, ValueError):
    """The bytes cannot be decoded."""


class Foreign(DecodeError):  # noqa: N818 - these five name what was found, as h11's events do
    """The bytes carry no frame of ours, and no reader was given for them in `accept`."""


class Truncated(DecodeError):  # noqa: N818
    """The bytes end before the frame does."""


class Malformed(DecodeError):  # noqa: N818
    """The frame is ours, but what is in it is not what its format allows."""


class Refused(DecodeError):  # noqa: N818
    """The frame is whole, but this transcoder was not told to read its kind."""


class TooLarge(DecodeError):  # noqa: N818
    """The bytes, or what they expand to, exceed a limit."""


class SchemaMismatch(DecodeError):  # noqa: N818
    """The bytes are whole, but not a value of the declared type.

    Attributes:
        problems: everything that is wrong with it, each a path and a message.
    """

    def __init__(self, message: str, problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class Tampered(DecodeError):  # noqa: N818
    """The seal does not match: the bytes were changed, or it is one of the kinds below."""


class UnknownKey(Tampered):
    """The seal names a key that is not among the keys given."""


class RetiredKey(Tampered):
    """The seal matches, but its key is retired."""


class Replayed(Tampered):
    """The seal is bound to other associated data: the frame was moved here, from another session perhaps."""


class SessionError(TranscoderError):
    """The session cannot be had, or saved, as things are."""


class StoreError(SessionError):
    """The store cannot be reached, or refuses.

    Attributes:
        retryable: whether the same call may succeed later.
        unknown: whether the write may have taken effect all the same, now or later.
    """

    def __init__(self, message: str, *, retryable: bool = True, unknown: bool = False) -> None:
        super().__init__(message)
        self.retryable, self.unknown = retryable, unknown


class LockTimeout(SessionError):  # noqa: N818 - these name what happened
    """Other requests held the session's lock for longer than this one may wait."""


class Conflict(SessionError):  # noqa: N818
    """Another request changed the same attributes in the meantime.

    Attributes:
        names: the attributes that both changed.
    """

    def __init__(self, message: str, names: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.names = tuple(names)


class SessionGone(SessionError):  # noqa: N818
    """The session was ended in the meantime, by a logout or by its time; what was changed in it is not saved."""


class ReadOnly(SessionError):  # noqa: N818
    """The session takes no changes.

    Attributes:
        retryable: whether the same request may succeed later: its lock could not be had, or its store failed.
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class TooManySessions(SessionError):  # noqa: N818
    """This process has as many sessions open as its settings allow."""
