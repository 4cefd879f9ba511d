"""The settings of memcached-session-manager by their names: which of ours they are, or what there is instead.

Where both have a setting, its value is taken over with its unit: `operationTimeout` is milliseconds there and seconds
here. What has no place here is answered by a sentence, so that whoever moves in knows what to do with it.
"""

import re
from typing import Final

from transcoders.errors import SpecError

OURS: Final = {
    "lockingMode": "locking_mode",
    "lockExpiration": "lock_expiration",
    "operationTimeout": "operation_timeout",
    "requestUriIgnorePattern": "request_uri_ignore_pattern",
    "sessionAttributeFilter": "session_attribute_filter",
    "storageKeyPrefix": "storage_key_prefix",
    "maxActiveSessions": "max_active_sessions",
    "maxInactiveInterval": "max_inactive_interval",
    "enableStatistics": "enable_statistics",
    "enabled": "enabled",
    "memcachedNodes": "store",
}
"""Its settings that are ours too."""
INSTEAD: Final = {
    "sticky": "sessions are never sticky: any process serves any request, so leave it out",
    "session_backup_async": "a session is saved before the response goes out, so that no acknowledged change is lost; "
    "saving later is not in this release",
    "session_backup_timeout": "operation_timeout bounds each operation of the store",
    "backup_thread_count": "sessions are saved by the request itself; there are no threads to count",
    "failover_nodes": "failover is the store's: give the address of a replicated Redis or Valkey; several memcached "
    "nodes are not in this release",
    "near_cache": "a cache of sessions in the process is not in this release",
    "transcoder_factory_class": "transcoder takes a config string, such as msgpack or json+zstd",
    "copy_collections_for_serialization": "a session belongs to one request, so that nobody changes it while it is "
    "encoded",
    "custom_converter": 'transcoders.register("type", name, cls) makes a class known, and a schema needs none of that',
    "username": "user and password stand in the URL: store = redis://user:password@host",
    "password": "user and password stand in the URL: store = redis://user:password@host",
    "memcached_protocol": "the name before the colon of store says how it is talked to",
    "class_name": "there is one manager for threads and one for asyncio, and settings are the same for both",
    "process_expires_frequency": "the store ends sessions by itself, to the second",
}
"""What has no place here, in snake case, and why or what there is instead."""
_REDIS = re.compile(r"(rediss?|valkeys?)://").match


def snake(name: str) -> str:
    """The name in snake case."""
    return re.sub(r"(?<=[a-z])([A-Z])", lambda match: f"_{match[1].lower()}", name)


def camel(name: str) -> str:
    """A name of INSTEAD as memcached-session-manager writes it."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def ours(name: str, value: object) -> tuple[str, object]:
    """Our name of a setting, and the value in our unit; as given where the name is none of these.

    Raises:
        SpecError: it has no place here; with what there is instead.
    """
    if (words := INSTEAD.get(snake(name))) is not None:
        raise SpecError(f"{name} is not a setting here: {words}")
    if name == "memcachedNodes" and not (isinstance(value, str) and _REDIS(value)):
        raise SpecError("memcachedNodes: sessions on memcached are not in this release; store takes the URL of another "
                        "store, such as redis://host or sqlite:sessions.db")  # fmt: skip
    return OURS.get(name, name), _CONVERTED[name](value) if name in _CONVERTED else value


def _mode(value: object) -> object:
    plain = value.lower() if isinstance(value, str) else value
    return plain if plain in {"none", "all", "auto"} else value


def _seconds(value: object) -> object:
    number = _whole(value)
    return number / 1000 if isinstance(number, int) else value


def _natural(value: object) -> object:
    number = _whole(value)
    return max(number, 0) if isinstance(number, int) else value


def _whole(value: object) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}", value):
        return int(value)
    return value if type(value) is int else None


_CONVERTED: Final = {
    "lockingMode": _mode,
    "operationTimeout": _seconds,
    "maxActiveSessions": _natural,
    "maxInactiveInterval": _natural,
}
"""Settings whose values are written otherwise: modes in any case, milliseconds, and -1 for none."""
