"""`transcoders convert`: stored sessions from one spec to another, file by file, each verified before it is written.

A file that fails is left as it was and counted. Files are replaced whole (written beside, then renamed), so that an
interrupted run leaves old or new bytes and nothing in between, and can be repeated.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from transcoders.difference import difference
from transcoders.errors import DecodeError, EncodeError, SpecError
from transcoders.pipeline import Transcoder

Progress = Callable[[int, int, str], object]
"""Told how many files are done, of how many, and the name of the last."""


@dataclass(frozen=True, slots=True)
class Job:
    """How files are converted.

    Attributes:
        reader: reads what they are, and what they become.
        writer: writes what they become.
        target: where a file goes.
        dry_run: whether nothing is written.
    """

    reader: Transcoder[Any]
    writer: Transcoder[Any]
    target: Callable[[Path], Path]
    dry_run: bool


@dataclass(slots=True)
class Conversion:
    """What a run did.

    Attributes:
        converted: files written.
        unchanged: files that were in the new spec's bytes already.
        failed: file name to reason; those files are as they were.
        before: bytes of the files converted.
        after: bytes they have now.
    """

    converted: int = 0
    unchanged: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    before: int = 0
    after: int = 0

    def sentence(self, *, dry_run: bool) -> str:
        """What was done, in words."""
        ratio = f" ({self.after / self.before:.2f} of their bytes)" if self.before else ""
        verb = "could be converted" if dry_run else "converted"
        return f"{self.converted} {verb}{ratio}, {self.unchanged} unchanged, {len(self.failed)} failed"

    def record(self) -> dict[str, Any]:
        """The conversion as JSON holds it."""
        return asdict(self)


def files(source: Path, match: str) -> list[Path]:
    """The file itself, or the files below a folder whose names match; sorted.

    Raises:
        SpecError: there is no such file or folder.
    """
    if source.is_dir():
        return sorted(path for path in source.rglob(match) if path.is_file())
    if source.is_file():
        return [source]
    raise SpecError(f"expected a file or folder, found nothing at {source}")


def convert(paths: Sequence[Path], job: Job, progress: Progress) -> Conversion:
    """The outcome of converting each file."""
    done = Conversion()
    for count, path in enumerate(paths, start=1):
        try:
            _convert(path, job, done)
        except (DecodeError, EncodeError, OSError) as error:
            done.failed[str(path)] = f"{type(error).__name__}: {error}"
        progress(count, len(paths), path.name)
    return done


def _convert(path: Path, job: Job, done: Conversion) -> None:
    old, target = path.read_bytes(), job.target(path)
    value = job.reader.decode(old)
    new = job.writer.encode(value)
    if part := difference(value, job.writer.decode(new)):
        raise EncodeError(f"expected {part.expected}, came back as {part.found}", part.path)
    if new == old and target == path:
        done.unchanged += 1
        return
    if not job.dry_run:
        _replace(target, new)
    done.converted += 1
    done.before += len(old)
    done.after += len(new)


def _replace(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.converting")
    beside.write_bytes(data)
    beside.replace(target)
