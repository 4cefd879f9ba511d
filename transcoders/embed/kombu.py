"""kombu, and so Celery: a serializer for messages and results, by name.

    from transcoders.embed.kombu import install

    install("msgpack+zstd")
    app.conf.update(task_serializer="transcoders", result_serializer="transcoders", accept_content=["transcoders"])

Messages say themselves what wrote them, so `accept_content` alone decides what else is read while the change is under
way. What cannot be read is kombu's DecodeError.
"""

from kombu import serialization

from transcoders.embed import Embedded, Settings

CONTENT_TYPE = "application/x-transcoders"


def install(given: Settings = "json", name: str = "transcoders") -> None:
    """Make the serializer known to kombu; again, under the same name, puts another in its place.

    Raises:
        SpecError: a setting is wrong.
    """
    embedded = Embedded("kombu", given, plain=True)
    serialization.register(name, embedded.encode, embedded.decode, CONTENT_TYPE, "binary")  # type: ignore[no-untyped-call]
