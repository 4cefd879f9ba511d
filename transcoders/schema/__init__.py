"""Schema-safe payloads: declared types that every codec gives back exactly, or not at all.

from transcoders import transcoder
from transcoders.schema import migrate, schema

@schema(version=2)
@dataclass
class Cart: ...

carts = transcoder("msgpack", schema=Cart)
"""

from transcoders.schema.constraints import Length, Name, Pattern, Range, Unknown
from transcoders.schema.problems import Problem
from transcoders.schema.versions import migrate, schema

__all__ = ["Length", "Name", "Pattern", "Problem", "Range", "Unknown", "migrate", "schema"]
