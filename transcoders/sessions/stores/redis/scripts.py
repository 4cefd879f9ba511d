"""The scripts, as constant texts: whatever varies is an argument, so each stands in the server's cache once.

`KEYS` are all declared and belong to one session. A record's etag is its bytes 4 to 11, in Lua 5 to 12; a refused
save answers the first 128 bytes of what stands there, in which the ids of the last writes are found.

`save` and `commit` free the lock too, where they are told which: a script of its own for that costs the server 1 us,
and the client as much. They do so after the write, and whatever became of it, also of one that a full store refuses.
Three scripts do little else, and must do it when the store is full: they carry a flag that Redis 7 and Valkey know.
`PLAIN` are the same scripts for older servers, where a lock then lasts until its time is over.
"""

import hashlib
from typing import Final, NamedTuple

from transcoders.sessions.stores.redis.resp import Command

HEAD: Final = 128
"""Bytes of a record that a refused save answers."""
GONE, SAVED, AGAIN = 0, 1, -1
"""Answers of `save`, `commit` and `move`; AGAIN when the staged record was evicted."""

CLAIM: Final = 1000
"""Milliseconds in which a waiter has to take a lock that was handed to it."""

_HEAD = f"redis.call('GETRANGE',KEYS[1],0,{HEAD - 1})"

# The first waiter whose process listens gets the lock for as long as it takes to claim it; without any, it is free.
_HAND = """\
local function hand(lock,queue,claim)
  local t=redis.call('TIME')
  local now=t[1]*1000+math.floor(t[2]/1000)
  while true do
    local e=redis.call('LPOP',queue)
    if not e then redis.call('DEL',lock) return 1 end
    local till,channel,token=string.match(e,'^(%d+)|([^|]*)|(.*)$')
    if till and tonumber(till)>now then
      redis.call('SET',lock,token,'PX',claim)
      if redis.call('PUBLISH',channel,token)>0 then return 2 end
    end
  end
end
"""


def _freeing(lock: int, token: int) -> str:
    """The end of a script that has its answer in `r`: what frees the lock, where there is a key for it.

    A write that stands is answered also when the lock cannot be freed, with the error behind it.

    Args:
        lock: the place of its key, before that of its queue.
        token: the place of the token, before the claim.
    """
    key, queue, claim = f"KEYS[{lock}]", f"KEYS[{lock + 1}]", f"ARGV[{token + 1}]"
    return f"""\
if {key} then
  local function free()
    if redis.call('GET',{key})~=ARGV[{token}] then return end
    if redis.call('EXISTS',{queue})==0 then redis.call('DEL',{key}) return end
{_HAND}
    hand({key},{queue},{claim})
  end
  local freed,why=pcall(free)
  if not freed then
    if type(why)=='string' then why={{err=why}} end
    if r==1 then return {{r,why}} else return why end
  end
end
return r
"""


# KEYS record [, lock, queue]  ARGV base, record, ttl [, token, claim]  ->  1 | 0 | head | {1, error}
_SAVE = f"""\
local r=redis.pcall('GETRANGE',KEYS[1],4,11)
if r=='' and redis.call('EXISTS',KEYS[1])==0 then r=0
elseif r==ARGV[1] then
  if ARGV[3]=='0' then r=redis.pcall('SET',KEYS[1],ARGV[2]) else r=redis.pcall('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) end
  if r.ok then r=1 end
elseif type(r)=='string' then r={_HEAD} end
""" + _freeing(2, 4)

# KEYS record, staged [, lock, queue]  ARGV base, ttl [, token, claim]  ->  1 | 0 | -1 | head | {1, error}
_COMMIT = f"""\
local r=redis.pcall('GETRANGE',KEYS[1],4,11)
if r=='' and redis.call('EXISTS',KEYS[1])==0 then r=0
elseif r==ARGV[1] then
  r=redis.pcall('RENAME',KEYS[2],KEYS[1])
  if r.ok then
    r=1
    if ARGV[2]=='0' then redis.call('PERSIST',KEYS[1]) end
  elseif redis.call('EXISTS',KEYS[2])==0 then r=-1 end
elseif type(r)=='string' then r={_HEAD} end
if r~=1 then redis.call('DEL',KEYS[2]) end
""" + _freeing(3, 3)

# KEYS old, new  ARGV base, record, ttl, trail, grace  ->  1 | {head of old, head of new}
_MOVE = f"""\
local h=redis.call('GETRANGE',KEYS[1],0,{HEAD - 1})
local n=redis.call('GETRANGE',KEYS[2],0,{HEAD - 1})
if h=='' or string.sub(h,5,12)~=ARGV[1] or n~='' then return {{h,n}} end
if ARGV[3]=='0' then redis.call('SET',KEYS[2],ARGV[2]) else redis.call('SET',KEYS[2],ARGV[2],'PX',ARGV[3]) end
if ARGV[4]=='' then redis.call('DEL',KEYS[1]) else redis.call('SET',KEYS[1],ARGV[4],'PX',ARGV[5]) end
return 1
"""

# KEYS lock, queue  ARGV token, ttl, entry, claim, ttl of the queue  ->  1 mine | minus the milliseconds it is taken
_ACQUIRE = (
    _HAND
    + """\
local o=redis.call('GET',KEYS[1])
if o~=ARGV[1] then
  if not redis.call('LPOS',KEYS[2],ARGV[3]) then redis.call('RPUSH',KEYS[2],ARGV[3]) end
  redis.call('PEXPIRE',KEYS[2],ARGV[5])
  if not o then
    hand(KEYS[1],KEYS[2],ARGV[4])
    o=redis.call('GET',KEYS[1])
    if not o then redis.call('SET',KEYS[1],ARGV[1],'PX',ARGV[2]) o=ARGV[1] end
  end
end
if o==ARGV[1] then
  redis.call('LREM',KEYS[2],1,ARGV[3])
  redis.call('PEXPIRE',KEYS[1],ARGV[2])
  return 1
end
return -math.max(1,redis.call('PTTL',KEYS[1]))
"""
)

# KEYS lock  ARGV token, ttl  ->  1 held | 0 not the token's
_HOLD = """\
if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('PEXPIRE',KEYS[1],ARGV[2]) end
return 0
"""

# KEYS lock, queue  ARGV token, claim  ->  0 not the token's | 1 freed | 2 handed on
_RELEASE = (
    """\
if redis.call('GET',KEYS[1])~=ARGV[1] then return 0 end
if redis.call('EXISTS',KEYS[2])==0 then redis.call('DEL',KEYS[1]) return 1 end
"""
    + _HAND
    + """\
return hand(KEYS[1],KEYS[2],ARGV[2])
"""
)

# KEYS lock, queue  ARGV token, claim, entry  ->  as release
_LEAVE = (
    _HAND
    + """\
redis.call('LREM',KEYS[2],1,ARGV[3])
if redis.call('GET',KEYS[1])~=ARGV[1] then return 0 end
return hand(KEYS[1],KEYS[2],ARGV[2])
"""
)

# KEYS index  ARGV member, score, ttl, now  ->  1
_LINK = """\
redis.call('ZREMRANGEBYSCORE',KEYS[1],'-inf',ARGV[4])
local left=redis.call('PTTL',KEYS[1])
redis.call('ZADD',KEYS[1],ARGV[2],ARGV[1])
if ARGV[3]=='0' then redis.call('PERSIST',KEYS[1])
elseif left~=-1 and tonumber(ARGV[3])>left then redis.call('PEXPIRE',KEYS[1],ARGV[3]) end
return 1
"""

_ALLOWED_WHEN_FULL = "#!lua flags=allow-oom\n"


class Script(NamedTuple):
    """A script: its source, and the SHA-1 by which a server knows it."""

    source: str
    sha: str


class Scripts(NamedTuple):
    """All of them."""

    save: Script
    commit: Script
    move: Script
    acquire: Script
    hold: Script
    release: Script
    leave: Script
    link: Script


def _script(source: str) -> Script:
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


def _scripts(flag: str) -> Scripts:
    return Scripts(
        save=_script(_SAVE),
        commit=_script(_COMMIT),
        move=_script(_MOVE),
        acquire=_script(_ACQUIRE),
        hold=_script(flag + _HOLD),
        release=_script(flag + _RELEASE),
        leave=_script(flag + _LEAVE),
        link=_script(_LINK),
    )


FLAGGED: Final = _scripts(_ALLOWED_WHEN_FULL)
PLAIN: Final = _scripts("")
SOURCES: Final = {script.sha: script.source for script in FLAGGED + PLAIN}
"""Source by SHA-1."""
_OLDER: Final = {flagged.source: plain.source for flagged, plain in zip(FLAGGED, PLAIN, strict=True)}


def spelled_out(commands: tuple[Command, ...], scripts: Scripts) -> tuple[Command, ...]:
    """The commands with the source of each script instead of its SHA-1, for a server that does not know it."""
    return tuple(_spelled_out(command, scripts) for command in commands)


def _spelled_out(command: Command, scripts: Scripts) -> Command:
    if command[0] not in {b"EVALSHA", b"EVAL"}:
        return command
    named = str(command[1], "utf-8") if isinstance(command[1], bytes) else str(command[1])
    source = SOURCES.get(named, named)
    return ("EVAL", _OLDER.get(source, source) if scripts is PLAIN else source, *command[2:])
