"""The payloads of earlier studies, so that our figures can be held against theirs.

* jvm-serializers, `tpc/data/media.1.json` (github.com/eishay/jvm-serializers), taken over by many later
  benchmarks: a MediaContent is one Media and its Images. Enums stand as their names. The Hangul letter is
  the original's.
* memcached-session-manager, `serializer-benchmark/` (github.com/magro/memcached-session-manager): persons
  and a component tree. The originals refer to friends and parents; here friends are copies and no component
  points upwards: sharing has a family of its own, `aliased`, and no data format knows cycles.
"""

from bench.payloads.dice import Dice


def mediacontent(dice: Dice) -> dict[str, object]:
    """The MediaContent object; variant 0 is the published one to the letter, the others differ in digits."""
    shift = dice.variant
    name = f"keyno{shift:02}" if shift else "keynote"
    return {
        "media": {
            "uri": f"http://javaone.com/{name}.mpg",
            "title": f"Javaone {name.capitalize()}",
            "width": 640 + shift,
            "height": 480 + shift,
            "format": "video/mpg4",
            "duration": 18_000_000 + shift,
            "size": 58_982_400 + shift,
            "bitrate": 262_144 + shift,
            "persons": ["Bill Gates", "Steve Jobs스"],
            "player": "JAVA",
            "copyright": None,
        },
        "images": [
            _image(name, "LARGE", 1024 + shift, 768 + shift),
            _image(name, "SMALL", 320 + shift, 240 + shift),
        ],
    }


def _image(name: str, size: str, width: int, height: int) -> dict[str, object]:
    return {
        "uri": f"http://javaone.com/{name}_{size.lower()}.jpg",
        "title": f"Javaone {name.capitalize()}",
        "width": width,
        "height": height,
        "size": size,
    }


def persons(dice: Dice) -> dict[str, object]:
    """The benchmark's smallest run of twenty persons; friends go two deep."""
    first = 100 * dice.variant
    return {"persons": [_person(first + index, friends=min(index, 2)) for index in range(20)]}


def _person(number: int, friends: int) -> dict[str, object]:
    name = f"Firstname{number} Lastname{number}"
    return {
        "name": name,
        "gender": "MALE" if number % 2 else "FEMALE",
        "date_of_birth": "1984-01-05",
        "age": 42,
        "props": {
            f"email{index}": {"name": name, "email": f"email{number}-{index + 1}@example.org"} for index in range(3)
        },
        "addresses": [{"street": "route66", "zip": "123456", "city": "sincity", "country": "sincountry"}],
        "friends": [_person(number - 1, friends - 1)] if friends else [],
    }


def components(dice: Dice) -> dict[str, object]:
    """A server-side component tree: three children a node, one level deeper than the original."""
    return {"component": _component("root", dice, levels=3)}


def _component(name: str, dice: Dice, levels: int) -> dict[str, object]:
    child = "child" if name == "root" else f"{name}-"
    return {
        "id": f"j_id{dice.between(1_000, 9_999)}",
        "name": name,
        "attributes": {
            "class": dice.words(1),
            "rendered": dice.flag(),
            "index": dice.between(0, 9),
            "value": None,
        },
        "children": [_component(f"{child}{index}", dice, levels - 1) for index in range(3)] if levels else [],
    }
