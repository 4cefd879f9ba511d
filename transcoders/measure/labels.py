"""Labels beside points, placed so that they cover neither each other nor a point. Plain arithmetic on boxes.

Places around the point are tried in a fixed order and the one that covers least is taken, so that the same points
always get the same labels. Units are those of the drawing surface, y upwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass

_PLACES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1), (0, 2), (0, -2), (1, 2), (-1, -2))
"""Where a label may stand, in half widths and heights of itself, best first."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: "Box") -> float:
        """The area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(0.0, width) * max(0.0, height)

    def outside(self, frame: "Box") -> float:
        """The area of this box beyond the frame."""
        return (self.right - self.left) * (self.top - self.bottom) - self.overlap(frame)


def place(
    points: Sequence[tuple[float, float]], sizes: Sequence[tuple[float, float]], frame: Box, gap: float
) -> list[Box]:
    """The box of each point's label, inside the frame where it can be; `gap` is the room that a point takes."""
    dots = [Box(x - gap, y - gap, x + gap, y + gap) for x, y in points]
    boxes: list[Box] = []
    for point, size in zip(points, sizes, strict=True):
        candidates = [_beside(point, size, gap, way) for way in _PLACES]
        # Leaving the frame is worse than covering: a label that is cut off cannot be read at all.
        boxes.append(min(candidates, key=lambda box: sum(map(box.overlap, boxes + dots)) + 3 * box.outside(frame)))
    return boxes


def _beside(point: tuple[float, float], size: tuple[float, float], gap: float, way: tuple[int, int]) -> Box:
    (x, y), (width, height), (across, up) = point, size, way
    left = x + across * gap + (across - 1) * width / 2
    bottom = y + up * gap + (up - 1) * height / 2
    return Box(left, bottom, left + width, bottom + height)
