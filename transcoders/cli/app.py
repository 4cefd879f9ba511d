"""The commands and their options: what is typed, what it means, which exit code it ends with.

The only file that knows click. Exit codes: 0 done; 1 what was asked about is not so (foreign bytes, a file that could
not be converted); 2 the command line or configuration is wrong; 3 a benchmark's noise floor is above `--max-noise`.
"""

import sys
from collections.abc import Callable
from functools import update_wrapper
from pathlib import Path
from typing import Any, TypeVar

import click

from transcoders import __version__
from transcoders.cli import benching, configuring, console, converting, demonstrating, inspecting, listing, training
from transcoders.demo.crew import MOST
from transcoders.dictionary import LARGEST, SMALLEST
from transcoders.errors import SpecError, TranscoderError
from transcoders.measure.operations import OPERATIONS
from transcoders.measure.plan import BASELINE
from transcoders.pipeline import transcoder
from transcoders.registry import REGISTRY

T = TypeVar("T", bound=Callable[..., Any])
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def _typed(command: T) -> T:
    """The command with errors as one line: exit code 2 for the configuration's, 1 for what failed on the way."""

    def run(*args: Any, **options: Any) -> Any:
        try:
            return command(*args, **options)
        except SpecError as error:
            console.complain(f"error: {error}")
            sys.exit(2)
        except TranscoderError as error:
            console.complain(f"error: {error}")
            sys.exit(1)

    return update_wrapper(run, command)  # type: ignore[return-value]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="transcoders")
def app() -> None:
    """Choose, use and measure session transcoders.

    A transcoder is named by a config string, codec+filter:key=value: json, msgpack+zstd:level=5, cbor+hmac:env=KEYS.
    """


@app.command("list")
@_as_json
@_typed
def list_(*, as_json: bool) -> None:
    """Show what can stand in a config string, and what is missing."""
    offers = REGISTRY.offers()
    if as_json:
        console.emit(listing.record(offers))
        return
    console.table("", listing.COLUMNS, listing.rows(offers))


@app.command()
@click.argument("specs", nargs=-1, metavar="[SPEC]...")
@click.option(
    "-p", "--payload", "payloads", multiple=True, metavar="SOURCE",
    help="FILE.json, FILE.jsonl (a session a line), module:function, or a bundled family such as cart-5. "
    "Repeat for several. Default: all bundled families, with --via six of them.",
)  # fmt: skip
@click.option(
    "--via", metavar="STORE",
    help="Time whole session requests too, on this store, and let the verdict go by them: memory:, sqlite:PATH, "
    "redis://... Sessions are made there under keys of their own, and ended.",
)  # fmt: skip
@click.option("--ops", help=f"What to time of {','.join(OPERATIONS)}. Default: all; with --via decode,encode.")
@click.option("--rounds", type=click.IntRange(2), help="Interleaved rounds; more give narrower intervals.")
@click.option("--fast", "preset", flag_value="fast", help="About half a minute, wider intervals.")
@click.option("--rigorous", "preset", flag_value="rigorous", help="Several minutes, narrower intervals.")
@click.option("--baseline", default=BASELINE, show_default=True, help="What ratios refer to; runs twice.")
@click.option("--affinity", default="auto", show_default=True, help="CPU to pin workers to: a number, auto or none.")
@click.option("--label", default="bench", show_default=True, help="Last part of the run's name.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder of the run. Default: results/runs/NAME.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted run in --output.")
@click.option("--max-noise", type=click.FloatRange(0), metavar="PERCENT", help="Exit with 3 above this noise floor.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar.")
@_as_json
@_typed
def bench(*, as_json: bool, quiet: bool, max_noise: float | None, **options: Any) -> None:
    """Measure transcoders on payloads and say which to take.

    Runs pyperf in interleaved rounds, one short process per transcoder and round, after a round-trip check; prints the
    verdict with its noise floor and writes pyperf files, report.md and report.html. Takes under two minutes.
    """
    outcome = benching.bench(benching.Request(**options), quiet=quiet or as_json)
    if as_json:
        console.emit(outcome.record())
    else:
        outcome.show()
    if max_noise is not None and outcome.noise > max_noise / 100:
        console.complain(f"the noise floor is {outcome.noise:.1%}, above {max_noise:g}%")
        sys.exit(3)


@app.command()
@click.argument("source", metavar="FILE", type=click.File("rb"))
@click.option("--decode", is_flag=True, help="Decode the value too; pickles are data-only and guarded.")
@click.option("--env", metavar="NAME", help="Environment variable with the keys of a seal.")
@click.option(
    "--accept", multiple=True, metavar="READER", help="raw-json, raw-msgpack, raw-cbor: bytes without a frame."
)
@_as_json
@_typed
def inspect(*, source: Any, decode: bool, env: str | None, accept: tuple[str, ...], as_json: bool) -> None:
    """Show what a stored session is: codec, filters, sizes, seal. FILE may be - for standard input.

    Exit code 1 if it is no frame, or could not be decoded.
    """
    found = inspecting.inspect(source.read(), decode=decode, env=env, accept=accept)
    if as_json:
        console.emit(found.record())
    else:
        console.table("", [("field", False), ("value", False)], found.rows())
        console.say(found.hexdump)
        if found.value is not None:
            console.say(found.value)
    if not found.ok:
        console.complain(found.problem or found.header.problem or "not a frame")
        sys.exit(1)


@app.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path), required=False)
@click.option(
    "--from", "old", multiple=True, required=True, metavar="SPEC", help="What the files are: a spec, raw-json, ..."
)
@click.option("--to", "new", required=True, metavar="SPEC", help="What they become.")
@click.option("--match", default="*", show_default=True, help="Names of files to convert in a folder.")
@click.option("--dry-run", is_flag=True, help="Decode, encode and verify, but write nothing.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar.")
@_as_json
@_typed
def convert(
    *, source: Path, target: Path | None, old: tuple[str, ...], new: str, as_json: bool, **options: Any
) -> None:
    """Convert stored sessions to another spec.

    SOURCE is a file or folder, TARGET where to (default: in place).

    Each value is decoded again and compared before its file is replaced. Keys are named in the specs (hmac:env=NAME).
    Exit code 1 if any file failed; those stay as they were.
    """
    writer, reader = transcoder(new), transcoder(new, accept=old)
    paths = converting.files(source, options["match"])

    def place(path: Path) -> Path:
        return path if target is None else target / path.relative_to(source) if source.is_dir() else target

    job = converting.Job(reader, writer, place, dry_run=options["dry_run"])
    with console.progress("converting", quiet=options["quiet"] or as_json) as advance:
        done = converting.convert(paths, job, advance)
    if as_json:
        console.emit(done.record())
    else:
        console.say(done.sentence(dry_run=options["dry_run"]))
        for path, reason in done.failed.items():
            console.complain(f"{path}: {reason}")
    if done.failed:
        sys.exit(1)


@app.command()
@click.option(
    "-p", "--payload", "payloads", multiple=True, required=True, metavar="SOURCE",
    help="Sessions: FILE.jsonl (one a line), FILE.json (a list) or module:function. Repeat for several.",
)  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The dictionary, a new file.")
@click.option("--spec", default="json", show_default=True, help="The config string that it is for.")
@click.option(
    "--size", type=click.IntRange(SMALLEST, LARGEST), default=4096, show_default=True, help="Its bytes, at most."
)
@click.option("-q", "--quiet", is_flag=True, help="No progress bar.")
@_as_json
@_typed
def train(*, as_json: bool, quiet: bool, **options: Any) -> None:
    """Train a zstd dictionary, with which small sessions shrink to a third.

    Prints what it saves on sessions that were held back from the training, and the config string that uses it. The
    same sessions give the same file. A file that is there is never replaced: frames need it as long as they last.
    """
    request = training.Request(**options)
    with console.progress("training", quiet=quiet or as_json) as advance:
        done = training.training(request, advance)
    if as_json:
        console.emit(done.record())
        return
    console.say(done.sentence())
    console.table(f"median of {done.held_back} other sessions", training.COLUMNS, done.cells())
    console.say(f"Write with {done.spec}")
    console.say("Before that, let every reader have the file: zstd:read=FILE. Keep it as long as its frames.")


@app.command("settings")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_as_json
@_typed
def settings_(*, file: Path | None, as_json: bool) -> None:
    """Show the settings of a session manager: those in force here, what each takes, and what it means.

    In force is what the environment says, and FILE; by default the one that TRANSCODERS_SETTINGS names, else
    transcoders.toml or pyproject.toml in this folder. Passwords are not shown.
    """
    found = configuring.found(file)
    if as_json:
        console.emit(configuring.record(found))
    else:
        console.table("", configuring.COLUMNS, configuring.rows(found))


@app.command("demo")
@click.option("--replicas", type=click.IntRange(1, MOST), default=2, show_default=True, help="How many to begin with.")
@click.option(
    "--store", metavar="URL", help="Where sessions are: redis://... Default: a SQLite file, deleted at the end."
)
@click.option("--without", is_flag=True, help="Each replica keeps its own sessions: watch the login vanish.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port on this machine. Default: 8000, or one that is free.")
@click.option("--open", "browse", is_flag=True, help="Open the page in a browser.")
@_as_json
@_typed
def demo_(*, browse: bool, as_json: bool, **options: Any) -> None:
    """See a login stay: replicas of a small shop behind a round-robin balancer.

    Prints the address of the page, and serves until Ctrl-C. Replicas are stopped, started and added from the page.
    """
    demonstrating.demo(demonstrating.Request(**options), browse=browse, as_json=as_json)
