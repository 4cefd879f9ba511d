# The README's two commands. Each makes .venv on first use and reuses it afterwards.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: bench bench-peers bench-requests bench-updates bench-web bench-handover soak test pictures lint floor fuzz clean

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	@touch $@

bench: $(VENV)/.installed  ## which transcoder for these payloads: a verdict and a report, in under two minutes
	$(BIN)/python -m transcoders bench $(ARGS)

test: $(VENV)/.installed lint  ## everything that must hold
	$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=term $(ARGS)

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

floor: $(VENV)/.installed  ## our round trip against the bare library, as ratios
	$(BIN)/python -m bench.floor $(ARGS)

bench-peers: $(VENV)/.installed  ## typed round trips against the best validating peers
	$(BIN)/python -m bench.peers $(ARGS)

bench-requests: $(VENV)/.installed  ## whole session requests on Valkey and Redis, against clients that only move the bytes
	$(BIN)/python -m bench.requests $(ARGS)

bench-updates: $(VENV)/.installed  ## two processes count one counter up, in every locking mode: nothing lost, nothing doubled
	$(BIN)/python -m bench.updates $(ARGS)

bench-web: $(VENV)/.installed  ## requests of Flask, Django, Starlette, Litestar and aiohttp with our sessions, and with the peers'
	$(BIN)/python -m bench.web $(ARGS)

bench-handover: $(VENV)/.installed  ## how long a lock is in nobody's hands, and how long requests wait for it
	$(BIN)/python -m bench.handover $(ARGS)

soak: $(VENV)/.installed  ## ten minutes of workers that are killed and replies that are cut: nothing acknowledged is lost
	$(BIN)/python -m bench.soak $(ARGS)

fuzz: $(VENV)/.installed  ## hostile bytes for every reader, a minute each
	$(BIN)/python -m tests.fuzz --seconds 60 $(ARGS)

pictures: $(VENV)/.installed  ## the pictures of the demo in docs, from a browser
	$(BIN)/python -m pytest -q tests/test_browser.py
	$(BIN)/python -m tests.chromium

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
