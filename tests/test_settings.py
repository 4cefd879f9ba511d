"""The configuration of a manager: where it may stand, what counts, what is understood, and what is refused."""

import json
import re
from dataclasses import FrozenInstanceError

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tests.session_pages import PAGES, written
from transcoders import SpecError, transcoder
from transcoders.cli.app import app
from transcoders.sessions import settings as module
from transcoders.sessions.merge import counter, union
from transcoders.sessions.msm import INSTEAD, OURS, camel, snake
from transcoders.sessions.policy import Policy
from transcoders.sessions.settings import SETTINGS, Settings, redacted, settings, shown

SECRET = "S3CRET"
ENV = "TRANSCODERS_"


def read(text, tmp_path, name="sessions.toml", **keywords):
    """The settings of a file with that text."""
    file = tmp_path / name
    file.write_text(text, "utf-8")
    return settings(file=file, environ={}, **keywords)


def refused(*arguments, **keywords):
    """What is said of settings that are refused."""
    with pytest.raises(SpecError) as told:
        settings(*arguments, **({"environ": {}} | keywords))
    return str(told.value)


def test_defaults():
    """Without any setting, sessions are in memory and JSON, and the policy is the default."""
    made = settings(environ={})
    assert made == Settings()
    assert (made.store, made.transcoder, made.accept, made.policy) == ("memory:", "json", (), Policy())
    assert (made.keys(), made.prefix(), dict(made.sources), repr(made)) == ((), "", {}, "Settings()")


def test_settings_are_frozen():
    """What was read once stays as it is."""
    with pytest.raises(FrozenInstanceError):
        settings(environ={}).store = "redis://other"


# Where settings stand.

FILE = """
[session]
store = "sqlite:file.db"
transcoder = "msgpack+zstd:level=3"
accept = ["json", "raw-json"]
keys_env = "SESSION_KEYS"
locking_mode = "auto"
lock_timeout = 2
max_inactive_interval = "30m"
absolute_timeout = 86400
enable_statistics = false
request_uri_ignore_pattern = ""

[session.merge]
visits = "counter"
tags = "union"
"best of" = "builtins:max"
"""


def test_a_file(tmp_path):
    """Values keep the types of TOML; times may have a unit; merge functions are named."""
    made = read(FILE, tmp_path)
    assert (made.store, made.transcoder, made.keys_env) == ("sqlite:file.db", "msgpack+zstd:level=3", "SESSION_KEYS")
    assert made.accept == ("json", "raw-json")
    assert made.policy == Policy(
        locking_mode="auto", lock_timeout=2, max_inactive_interval=1800, absolute_timeout=86400,
        enable_statistics=False, merge={"visits": counter, "tags": union, "best of": max},
    )  # fmt: skip
    assert made.sources["store"] == f"{tmp_path / 'sessions.toml'} [session]"


def test_a_file_of_the_project(tmp_path):
    """In pyproject.toml the table is [tool.transcoders.session], and [session] is somebody else's."""
    text = '[session]\nstore = "other"\n[tool.transcoders.session]\nlocking_mode = "all"\n[tool.other]\nx = 1\n'
    made = read(text, tmp_path, "pyproject.toml")
    assert (made.store, made.policy.locking_mode) == ("memory:", "all")
    assert read("[tool.transcoders.session]\nlock_timeout = 3\n", tmp_path).policy.lock_timeout == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no table [tool.transcoders.session] or [session]"),
        ("[sessions]\nstore = 'memory:'\n", "has no table"),
        ("[session]\n[tool.transcoders.session]\n", "has no table"),
        ("[session]\na=1\n[tool.transcoders.session]\nb=1\n", "has both [tool.transcoders.session] and [session]"),
        ("session = 5\n", "session is int, expected a table [session]"),
        ("tool = 5\n", "has no table"),
        ("[session\n", "is no TOML"),
        ("[session]\nstore = 'a'\nstore = 'b'\n", "is no TOML"),
        ("[session]\nstore = 'memory:'\nlock = 1\n", "sessions.toml, [session]: there is no setting 'lock'"),
        ("[session]\nlock_timeout = 'x'\n", "sessions.toml, [session]: lock_timeout takes a number"),
        ("[session]\nlock_timeout = 1979-05-27\n", "lock_timeout takes a number from 0 to 3600 (s), not datetime"),
        ("[session.store]\nurl = 'x'\n", "store takes the URL of a store, not dict"),
    ],
)
def test_a_file_that_is_refused(text, told, tmp_path):
    """The error names the file, and the table where it has come as far."""
    with pytest.raises(SpecError) as error:
        read(text, tmp_path)
    assert told in str(error.value)
    assert "sessions.toml" in str(error.value)


def test_files_that_cannot_be_read(tmp_path):
    """One that is not there, a folder, and one that is not UTF-8."""
    assert "cannot be read: No such file" in refused(file=tmp_path / "none.toml")
    assert "cannot be read: Is a directory" in refused(file=tmp_path)
    (tmp_path / "odd.toml").write_bytes(b"[session]\nstore = '\xff'\n")
    assert "odd.toml is no TOML" in refused(file=str(tmp_path / "odd.toml"))


def test_the_environment_names_a_file(tmp_path, monkeypatch):
    """TRANSCODERS_SETTINGS is read when no file is given; it is no setting itself."""
    (tmp_path / "a.toml").write_text("[session]\nlock_timeout = 7\n", "utf-8")
    (tmp_path / "b.toml").write_text("[session]\nlock_timeout = 8\n", "utf-8")
    environ = {"TRANSCODERS_SETTINGS": str(tmp_path / "a.toml")}
    assert settings(environ=environ).policy.lock_timeout == 7
    assert settings(environ=environ, file=tmp_path / "b.toml").policy.lock_timeout == 8
    monkeypatch.setenv("TRANSCODERS_SETTINGS", str(tmp_path / "b.toml"))
    assert settings().policy.lock_timeout == 8


WRITTEN = {
    "STORE": ("redis://h/1", "redis://h/1"), "TRANSCODER": ("cbor", "cbor"), "KEYS_ENV": ("A_B1", "A_B1"),
    "ACCEPT": ("json; msgpack:layout=map,x=y ;raw-json", ("json", "msgpack:layout=map,x=y", "raw-json")),
    "HOST": ("web1", "web1"), "CONTEXT": ("shop", "shop"), "WEBAPP_VERSION": ("7", "7"),
    "LOCKING_MODE": ("uriPattern:/a,b", "uriPattern:/a,b"), "LOCK_EXPIRATION": ("500ms", 0.5), "LOCK_TIMEOUT": ("0", 0),
    "MAX_LOCK_WAITERS": ("5", 5), "ON_LOCK_TIMEOUT": ("error", "error"), "OPERATION_TIMEOUT": ("0.25", 0.25),
    "MAX_INACTIVE_INTERVAL": ("2h", 7200), "ABSOLUTE_TIMEOUT": ("1d", 86400), "TOUCH_SHARE": ("0.5", 0.5),
    "ROTATION_GRACE": ("5s", 5), "ON_CONFLICT": ("mine", "mine"),
    "MERGE": ("visits=counter, tags = union", {"visits": counter, "tags": union}), "ON_UNDECODABLE": ("raise", "raise"),
    "ON_STORE_FAILURE": ("anonymous", "anonymous"), "MAX_ACTIVE_SESSIONS": ("10", 10),
    "STORAGE_KEY_PREFIX": ("context,host.hash", "context,host.hash"),
    "REQUEST_URI_IGNORE_PATTERN": (".*[.]css", ".*[.]css"), "SESSION_ATTRIBUTE_FILTER": ("", None),
    "ENABLE_STATISTICS": ("false", False), "ENABLED": ("true", True),
}  # fmt: skip
"""Each setting as text, and what it is."""


@pytest.mark.parametrize("name", WRITTEN)
def test_every_setting_can_stand_in_the_environment(name):
    """In capitals behind TRANSCODERS_, as text; and the same text is understood as a keyword."""
    text, value = WRITTEN[name]
    made = settings(environ={ENV + name: text, "HOME": "/", "transcoders_store": "x"})
    assert getattr(made if hasattr(made, name.lower()) else made.policy, name.lower()) == value
    assert dict(made.sources) == {name.lower(): f"environment variable TRANSCODERS_{name}"}
    assert settings(environ={}, **{name.lower(): text}) == made


def test_no_setting_is_missing_in_these_tables():
    """Every one can be written as text."""
    assert {name.lower() for name in WRITTEN} == SETTINGS.keys()


def test_the_process_environment_is_read(monkeypatch):
    """When none is given."""
    monkeypatch.setenv("TRANSCODERS_LOCKING_MODE", "auto")
    assert settings().policy.locking_mode == "auto"


def test_the_order_of_places(tmp_path):
    """Keywords count more than a mapping, that more than the environment, that more than a file, that than defaults."""
    file = tmp_path / "a.toml"
    file.write_text("[session]\nlock_timeout = 1\nlock_expiration = 1\nrotation_grace = 1\noperation_timeout = 1\n")
    environ = {f"{ENV}LOCK_TIMEOUT": "2", f"{ENV}LOCK_EXPIRATION": "2", f"{ENV}ROTATION_GRACE": "2"}
    made = settings(
        {"lock_timeout": 3, "lock_expiration": 3}, file=file, environ=environ, lock_timeout=4
    )  # fmt: skip
    policy = made.policy
    assert (policy.lock_timeout, policy.lock_expiration, policy.rotation_grace) == (4, 3, 2)
    assert (policy.operation_timeout, policy.max_lock_waiters) == (1, 100)
    assert [*made.sources.values()] == ["keyword", "mapping", "environment variable TRANSCODERS_ROTATION_GRACE",
                                        f"{file} [session]"]  # fmt: skip


# Texts.


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5),
        ("0.5", 0.5),
        ("5s", 5),
        ("5 s", 5),
        ("1500ms", 1.5),
        ("1m", 60),
        ("0.5m", 30),
        ("1h", 3600),
        ("001", 1),
    ],
)
def test_times_have_units(text, seconds):
    """Seconds without one; fractions are exact."""
    assert settings(environ={}, lock_timeout=text).policy.lock_timeout == seconds


@pytest.mark.parametrize(
    "text",
    ["", " ", "5 minutes", "5min", "5S", "-5", "+5", "1e3", "0x5", "5.", ".5", "1,5", "٣", "five", "5s ", " 5s", "1_0",
     "inf", "nan", "None", "9" * 400],
)  # fmt: skip
def test_texts_that_are_no_times(text):
    """Nothing is guessed; the message says how times are written."""
    told = refused(environ={f"{ENV}LOCK_TIMEOUT": text})
    assert told.startswith("environment variable TRANSCODERS_LOCK_TIMEOUT: lock_timeout takes a number from 0 to 3600")
    assert told.endswith("with a unit: 500ms, 5s, 30m, 2h or 1d")


def test_whole_numbers_stay_whole():
    """A time that is no whole number of seconds is refused where only those are taken; units are for times."""
    assert settings(environ={}, max_inactive_interval="1.5m").policy.max_inactive_interval == 90
    assert "a whole number" in refused(max_inactive_interval="1500ms")
    assert "a whole number" in refused(max_lock_waiters="5s")
    assert "a number from 0 to 1, not '10m'" in refused(touch_share="10m")


@pytest.mark.parametrize("text", ["True", "FALSE", "yes", "no", "1", "0", "on", "", " true", "t"])
def test_truth_is_written_true_or_false(text):
    """Other words are refused."""
    assert "enabled takes True or False, not" in refused(environ={f"{ENV}ENABLED": text})


@pytest.mark.parametrize(
    ("merge", "told"),
    [
        ("visits", "merge takes attribute=function, commas between, not 'visits'"),
        ("visits=contuer", "merge has no function 'contuer' for 'visits'; did you mean 'counter'?"),
        ("visits=nowhere.at:all", "the merge function 'nowhere.at:all' is not there"),
        ("visits=math:pi", "which cannot be called"),
        ({"visits": 5}, "merge takes a mapping of attribute names to functions"),
        ({5: "counter"}, "merge takes a mapping of attribute names to functions"),
        (5, "merge takes a mapping of attribute names to functions"),
    ],
)
def test_merge_functions_that_are_none(merge, told):
    """An unknown one gets a hint, one that cannot be imported its reason."""
    assert told in refused(merge=merge)


def test_lists_of_texts():
    """A list, a tuple, or semicolons; blanks between are nothing."""
    for given_ in (["json", "cbor"], ("json", "cbor"), "json;cbor", " json ; cbor ;"):
        assert settings(environ={}, accept=given_).accept == ("json", "cbor")
    assert "accept takes texts" in refused(accept=[5])
    assert "accept takes texts" in refused(accept=5)


# What is refused.


def test_everything_wrong_is_told_at_once(tmp_path):
    """Each problem is a line, with where it stands."""
    file = tmp_path / "a.toml"
    file.write_text("[session]\nlocking_mod = 'auto'\n", "utf-8")
    told = refused({"on_conflict": "me"}, file=file, environ={f"{ENV}ENABLED": "1"}, touch_share=5).splitlines()
    assert [line.split(": ")[0] for line in told[:2]] == [
        f"{file}, [session]",
        "environment variable TRANSCODERS_ENABLED",
    ]
    assert "did you mean 'locking_mode'" in told[0]
    assert told[2].startswith("on_conflict takes")
    assert told[3].startswith("touch_share takes")


def test_a_file_that_is_missing_hides_nothing_else():
    """The other problems are told beside it."""
    told = refused(file="none.toml", lock_timeout=-1)
    assert "none.toml cannot be read" in told
    assert "lock_timeout takes" in told


@pytest.mark.parametrize(
    ("name", "hint"), [("locking_mod", "locking_mode"), ("stor", "store"), ("trancoder", "transcoder")]
)
def test_unknown_names_get_a_hint(name, hint):
    """Wherever they stand."""
    assert f"there is no setting {name!r}; did you mean {hint!r}" in refused({name: "x"})
    assert f"there is no setting {name!r}; did you mean {hint!r}" in refused(environ={f"{ENV}{name.upper()}": "x"})


def test_names_that_are_no_text():
    """A mapping may have any keys; ours are texts."""
    assert refused({5: 1}) == "settings are named by text, not by 5"


@pytest.mark.parametrize(
    ("keywords", "told"),
    [
        ({"transcoder": "json+"}, "transcoder: expected a name such as"),
        ({"transcoder": 5}, "transcoder takes text, not 5"),
        ({"store": 5}, "store takes the URL of a store, not int"),
        ({"keys_env": 5}, "keys_env takes the name of an environment variable"),
        ({"storage_key_prefix": "hots"}, "storage_key_prefix has no part 'hots'"),
        ({"storage_key_prefix": "context", "context": "a b"}, "storage_key_prefix: context is 'a b'"),
        ({"locking_mode": "auot"}, "locking_mode has no mode 'auot'; did you mean 'auto'"),
        ({"request_uri_ignore_pattern": "("}, "request_uri_ignore_pattern: '(' is no regular expression"),
    ],
)
def test_values_with_a_grammar_are_read_at_once(keywords, told):
    """What a text means is checked before the first request."""
    assert told in refused(**keywords)


def test_settings_check_themselves():
    """Made without `settings`, they are checked all the same."""
    assert Settings(accept=["json"]).accept == ("json",)
    with pytest.raises(SpecError, match="store takes the URL"):
        Settings(store=None)


# Secrets.


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("memory:", "memory:"),
        ("sqlite:/var/lib/app.db?busy=5", "sqlite:/var/lib/app.db?busy=5"),
        ("redis://localhost", "redis://localhost"),
        ("redis://localhost:6379/0?timeout=100", "redis://localhost:6379/0?timeout=100"),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
        (f"redis://user:{SECRET}@h:1/0", "redis://***@h:1/0"),
        (f"redis://:{SECRET}@h", "redis://***@h"),
        (f"redis://{SECRET}@h", "redis://***@h"),
        (f"redis://:{SECRET}/x@y@h/0", "redis://***@h/0"),
        (f"redis://:{SECRET}?x#y@h", "redis://***@h"),
        (f"redis://:{SECRET}", "redis://***"),
        (f"redis://user:{SECRET}/0", "redis://***"),
        (f"unix://u:{SECRET}@/run/r.sock?db=0", "unix://***@/run/r.sock?db=0"),
        (f"x://h?password={SECRET}&db=0", "x://h?password=***&db=0"),
        (f"x://h?auth_token={SECRET}", "x://h?auth_token=***"),
        (SECRET, "***"),
    ],
)
def test_urls_are_shown_without_secrets(url, shown):
    """User and password are hidden, written well or badly, and options that say that they are secret."""
    assert redacted(url) == shown
    assert SECRET not in repr(Settings(store=url))
    assert SECRET not in json.dumps(Settings(store=url).record())


@given(password=st.text("abcXYZ019:/?#@%&=+. ", min_size=1), user=st.sampled_from(["", "user"]))
def test_no_password_is_shown(password, user):
    """Whatever characters it has, and however badly it is written."""
    shown = redacted(f"redis://{user}:<{password}>@host:6379/0")
    assert shown == "redis://***@host:6379/0"


def test_errors_show_no_secret():
    """Neither the URL of a store, nor keys that were put where their variable's name belongs."""
    for told in (
        refused(store=[SECRET]),
        refused(keys_env=f"{SECRET.lower()}"),
        refused(keys_env=f"{SECRET}-{SECRET}"),
        refused({"memcachedNodes": f"n1:{SECRET}:1"}),
        refused({"password": SECRET}),
        refused(store=f"redis://:{SECRET}@h", lock_timeout=-1),
    ):
        assert SECRET.lower() not in told.lower()


def test_keys_are_read_from_their_variable(monkeypatch):
    """They are neither kept nor shown; a variable that is not set is an error when they are asked for."""
    monkeypatch.setenv("SESSION_KEYS", f"new-{SECRET}, old-{SECRET}")
    made = settings(environ={}, keys_env="SESSION_KEYS")
    assert made.keys() == (f"new-{SECRET}".encode(), f"old-{SECRET}".encode())
    assert SECRET not in repr(made) + json.dumps(made.record())
    monkeypatch.delenv("SESSION_KEYS")
    with pytest.raises(SpecError, match="keys_env takes its keys from the environment variable SESSION_KEYS, which is"):
        made.keys()


def test_variables_with_keys_may_begin_as_ours():
    """Those that settings name are no settings; others that begin so are misspelt ones, and told."""
    environ = {"TRANSCODERS_KEYS": "x", "TRANSCODERS_OLD": "y"}
    spec = "json+hmac:env=TRANSCODERS_KEYS,retired=TRANSCODERS_OLD"
    assert settings(environ=environ, transcoder=spec).transcoder == spec
    assert settings(environ={**environ, f"{ENV}TRANSCODER": spec}).transcoder == spec
    assert settings(environ={"TRANSCODERS_KEYS": "x"}, keys_env="TRANSCODERS_KEYS").keys_env == "TRANSCODERS_KEYS"
    assert "there is no setting 'keys'" in refused(environ=environ)


# What stands for the parts of a key's prefix.


def test_places(monkeypatch):
    """The machine is asked for its name when the prefix has it, and no other is given."""
    monkeypatch.setattr(module.socket, "gethostname", lambda: "web1")
    made = settings(environ={}, storage_key_prefix="host,context,webappVersion", context="shop", webapp_version="7")
    assert made.prefix() == "web1:shop:7_"
    assert made.places() == {"host": "web1", "context": "shop", "webapp_version": "7"}
    assert settings(environ={}, storage_key_prefix="host.hash", host="hst").prefix() == "e93c085e_"
    assert settings(environ={}, storage_key_prefix="host", host="").prefix() == "web1_"
    monkeypatch.setattr(module.socket, "gethostname", None)
    assert settings(environ={}, storage_key_prefix="context", context="shop").prefix() == "shop_"


# memcached-session-manager.


@pytest.mark.parametrize(
    ("name", "value", "ours", "made"),
    [
        ("lockingMode", "AUTO", "locking_mode", "auto"),
        ("lockingMode", "uriPattern:/A", "locking_mode", "uriPattern:/A"),
        ("lockExpiration", "5", "lock_expiration", 5),
        ("operationTimeout", "1000", "operation_timeout", 1.0),
        ("operationTimeout", 250, "operation_timeout", 0.25),
        ("requestUriIgnorePattern", r".*\.css$", "request_uri_ignore_pattern", r".*\.css$"),
        ("sessionAttributeFilter", "user.*", "session_attribute_filter", "user.*"),
        ("storageKeyPrefix", "context", "storage_key_prefix", "context"),
        ("maxActiveSessions", "-1", "max_active_sessions", 0),
        ("maxActiveSessions", 10, "max_active_sessions", 10),
        ("maxInactiveInterval", -1, "max_inactive_interval", 0),
        ("enableStatistics", "false", "enable_statistics", False),
        ("enabled", "false", "enabled", False),
        ("memcachedNodes", "redis://redis:6379", "store", "redis://redis:6379"),
    ],
)
def test_settings_of_memcached_session_manager(name, value, ours, made):
    """Its names are understood where we have the setting, with the values and units that they have there."""
    found = settings({name: value}, environ={})
    assert getattr(found if ours == "store" else found.policy, ours) == made


def test_units_are_those_of_the_name():
    """`operation_timeout` is seconds, whoever wrote `operationTimeout` meant milliseconds."""
    assert settings({"operation_timeout": 500}, environ={}).policy.operation_timeout == 500
    assert settings({"operationTimeout": 500}, environ={}).policy.operation_timeout == 0.5
    assert "operation_timeout takes a number" in refused({"operationTimeout": "soon"})


@pytest.mark.parametrize("name", [*INSTEAD, *map(camel, INSTEAD)])
def test_settings_that_have_no_place_here(name):
    """Each is answered by what there is instead, or why it is not needed; wherever it stands."""
    words = INSTEAD[snake(name)]
    assert refused({name: "true"}) == f"{name} is not a setting here: {words}"
    assert words in refused(environ={f"{ENV}{snake(name).upper()}": "true"})


@pytest.mark.parametrize("nodes", ["n1:localhost:11211", "n1:a:1,n2:b:2", "localhost:11211", "http://h/pools", 5])
def test_memcached_nodes(nodes):
    """There is no store for them; the message says which there are."""
    assert "sessions on memcached are not in this release" in refused({"memcachedNodes": nodes})


def test_names_of_either_are_one_setting():
    """Both in one place are a mistake."""
    told = refused({"lockingMode": "all", "locking_mode": "auto"})
    assert told == "lockingMode and locking_mode are the same setting: give one of them"


def test_names_of_memcached_session_manager_are_written_both_ways():
    """Snake case and camel case undo each other, and every one of its settings is known."""
    assert all(snake(camel(name)) == name for name in INSTEAD)
    assert set(OURS.values()) <= SETTINGS.keys()
    assert not INSTEAD.keys() & SETTINGS.keys()


def test_a_configuration_of_memcached_session_manager():
    """What its users have, as they have it: one error lists all that is to be done."""
    told = refused({
        "className": "de.javakaffee.web.msm.MemcachedBackupSessionManager", "memcachedNodes": "redis://redis:6379",
        "sticky": "false", "sessionBackupAsync": "false", "storageKeyPrefix": "context", "lockingMode": "auto",
        "transcoderFactoryClass": "de.javakaffee.web.msm.serializer.kryo.KryoTranscoderFactory",
    })  # fmt: skip
    assert [line.split(" ")[0] for line in told.splitlines()] == [
        "className", "sticky", "sessionBackupAsync", "transcoderFactoryClass",
    ]  # fmt: skip


# What is shown.


def test_a_record_has_every_setting():
    """As JSON holds it, in the order of the table."""
    made = settings(environ={}, merge={"n": "counter", "m": max}, accept=["json"], store=f"redis://:{SECRET}@h")
    record = made.record()
    assert [*record] == [*SETTINGS]
    assert json.loads(json.dumps(record)) == record
    assert (record["merge"], record["accept"], record["store"]) == (
        {"n": "counter", "m": "max"}, ["json"], "redis://***@h",
    )  # fmt: skip
    assert repr(made).startswith("Settings(store='redis://***@h', accept=['json'], merge=")


def test_the_command_shows_what_is_in_force(tmp_path, monkeypatch):
    """The settings of the environment and of this folder's file, where they stand, and no password."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRANSCODERS_STORE", f"redis://:{SECRET}@h/0")
    plain = CliRunner().invoke(app, ["settings"], env={"COLUMNS": "200"})
    assert plain.exit_code == 0
    assert all(name in plain.output for name in SETTINGS)
    assert "redis://***@h/0" in plain.output
    assert shown(["json", "cbor"]) == "json; cbor"
    (tmp_path / "pyproject.toml").write_text("[tool.transcoders.session]\nlocking_mode = 'auto'\n", "utf-8")
    (tmp_path / "other.toml").write_text("[session]\nlocking_mode = 'all'\n", "utf-8")
    in_force = [CliRunner().invoke(app, ["settings", "--json", *more]) for more in ([], ["other.toml"])]
    found = [json.loads(one.output) for one in in_force]
    assert [one["settings"]["locking_mode"] for one in found] == ["auto", "all"]
    assert found[0]["sources"] == {
        "locking_mode": "pyproject.toml [tool.transcoders.session]",
        "store": "environment variable TRANSCODERS_STORE",
    }
    assert SECRET not in plain.output + in_force[0].output
    (tmp_path / "transcoders.toml").write_text("[session]\nlocking_mode = 'some'\n", "utf-8")
    wrong = CliRunner().invoke(app, ["settings"])
    assert (wrong.exit_code, "transcoders.toml, [session]: locking_mode has no mode 'some'" in wrong.output) == (
        2,
        True,
    )


def test_files_of_a_folder_that_have_no_settings(tmp_path, monkeypatch):
    """A pyproject.toml of a project that has none is none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nx = 1\n", "utf-8")
    assert json.loads(CliRunner().invoke(app, ["settings", "--json"]).output)["sources"] == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_pages_say_what_the_code_says(page):
    """The committed tables are those that the code makes: python -m tests.session_pages."""
    assert page.read_text("utf-8") == written(page)


def test_the_example_of_the_page_is_read(tmp_path, monkeypatch):
    """The TOML of docs/settings.md is a file of settings, but for the function of a shop that is not here."""
    (text,) = re.findall(r"```toml\n(.*?)```", PAGES[0].read_text("utf-8"), re.DOTALL)
    made = read(text.replace("shop.sessions:best", "builtins:max"), tmp_path)
    assert made.policy.merge == {"visits": counter, "tags": union, "best of": max}
    monkeypatch.setenv("SESSION_KEYS", SECRET * 4)
    keys = made.keys()
    assert str(transcoder(made.transcoder, keys=keys, accept=made.accept).spec) == "msgpack+zstd+hmac"


@given(
    st.dictionaries(
        st.sampled_from(sorted(SETTINGS)) | st.text(max_size=12),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.lists(st.text(max_size=5)),
        max_size=4,
    )
)
def test_any_mapping_is_settings_or_one_error(mapping):
    """Whatever a mapping holds."""
    try:
        made = settings(mapping, environ={})
    except SpecError:
        return
    assert settings(made.record() | {"merge": {}}, environ={}).policy == made.policy
