"""pydantic models, through their own serializer and validator, in strict mode.

What pydantic's serializer changes without a word (NaN becomes null, a subclass loses its fields) is found by reading
it back before it is stored.
"""

import json
from typing import Any


def dump(value: Any) -> Any:
    """The JSON tree of a model; raises ValueError when it would not come back equal."""
    try:
        text = value.__pydantic_serializer__.to_json(value, by_alias=True, warnings="error")
        again = value.__pydantic_validator__.validate_json(text, strict=True, by_alias=True, by_name=False)
    except Exception as error:  # a serializer or validator of the user's may raise anything
        raise ValueError(_words(type(value), error)) from error
    if again != value:
        raise ValueError(f"{type(value).__name__} does not come back equal through its own validator")
    return json.loads(text)


def load(cls: Any, tree: Any) -> Any:
    """The model of a JSON tree; raises ValueError with what its validator says, or when fields would be dropped."""
    validate = cls.__pydantic_validator__.validate_json
    try:
        text = json.dumps(tree)
        made = validate(text, strict=True, by_alias=True, by_name=False)
        dropped = made != validate(text, strict=True, by_alias=True, by_name=False, extra="allow")
    except Exception as error:  # a validator of the user's may raise anything
        raise ValueError(_words(cls, error)) from error
    if dropped:
        raise ValueError(f"{cls.__name__} does not know all fields: ConfigDict(extra='allow') keeps them")
    return made


def _words(cls: type, error: Exception) -> str:
    """What pydantic found and where, in its names of errors: its messages quote values, and so do the user's."""
    if not hasattr(error, "errors"):
        return f"{cls.__name__} refused: {type(error).__name__}"
    found = error.errors(include_url=False, include_context=False, include_input=False)[:5]
    places = [(".".join(str(step)[:40] for step in one["loc"]) or "itself", one["type"]) for one in found]
    return f"{cls.__name__} refused {', '.join(f'{place} ({kind})' for place, kind in places)}"
