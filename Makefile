# Pictor. The first start sets everything up; the next ones take seconds. Needs Python 3.11, git and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
SETUP = @$(PYTHON) -m pictor.stack.setup
export EXIT SCENE FRAMES PORT HOST UNSANDBOXED CHROMIUM BROWSER FAULTS SEED
.PHONY: help demo dev test check bench chaos lock test-bare test-image

help:
	@echo "make demo       the whole network on this machine, with a real job; Ctrl-C stops it"
	@echo "                EXIT=1 ends by itself, SCENE=path.blend FRAMES=1-10 take your own file, PORT= moves the ports"
	@echo "make dev        the same stack for working on it: pages are reloaded, no job is submitted"
	@echo "make test       everything, as CI runs it; ARGS= goes to pytest, BROWSER=0 leaves out Chromium"
	@echo "make check      lint, format, layers, types, migrations"
	@echo "make bench      figures against their goals; WHAT= names one part"
	@echo "make chaos      2,000 frames, three nodes, one of which misbehaves, and 300 faults in ten minutes; FRAMES= FAULTS= SEED="
	@echo "make lock       after editing requirements/*.in; ARGS=--upgrade takes newer versions"
	@echo "make test-bare  make demo EXIT=1 inside a bare Debian that holds only Python, git and make (root)"
	@echo "make test-image the agent's Docker image, built and at work in a dockerd of its own (root; installs docker.io); ARGS= goes to pytest"

demo:
	$(SETUP) demo

dev:
	$(SETUP) dev

test:
	$(SETUP) test $(ARGS)

check:
	$(SETUP) check

bench:
	$(SETUP) bench $(WHAT) $(ARGS)

chaos:
	$(SETUP) chaos

lock:
	@$(PYTHON) -m pictor.stack.lock $(ARGS)

test-bare:
	@$(PYTHON) -m pictor.stack.bare $(ARGS)

test-image:
	@$(PYTHON) -m pictor.stack.image $(ARGS)
