# `make bench` measures and publishes; `make test` runs every test. Both set up what they need.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: bench preview test check programs continuous clean

bench: $(INSTALLED)
	$(BIN)/kasv machine
	$(BIN)/asv run --record-samples -E tensorflow -E cntk -E theano -E mxnet || $(SOME_FAIL)
	$(BIN)/asv publish
	@echo "The site is in html/; make preview serves it to this machine."

# asv preview would listen on every address of the machine.
preview: $(INSTALLED)
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory html $(PORT)

test: check programs
	$(BIN)/pytest

# What the tests need beside Python: a browser with its driver, and npm for the data's mirror.
programs:
	@command -v npm >/dev/null || $(DEBIAN) npm
	@command -v chromedriver >/dev/null || $(DEBIAN) chromium chromium-driver

DEBIAN = sh -c 'echo "Installing $$@ with apt-get"; sudo=$$(command -v sudo || true); \
	$$sudo apt-get -qq update && $$sudo apt-get -qq install --yes "$$@" >/dev/null' apt

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# A line for cron: add what is new, measure it, publish it.
continuous: $(INSTALLED)
	$(BIN)/kasv update
	$(BIN)/asv run --record-samples NEW || $(SOME_FAIL)
	$(BIN)/asv publish

# asv's exit status 2 says that some benchmark failed: its row says why, the others stand.
SOME_FAIL = test $$? -eq 2

$(INSTALLED): setup.cfg pyproject.toml
	@echo "Installing kasv and its tools into .venv"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@

clean:
	rm -rf .venv env
