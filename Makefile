# `make demo` and `make test` need nothing before them on a fresh Debian 12 machine, as root.
# make's own exit code is 2 for every failure; tools/check and `guestagent` have finer ones (77: this machine cannot).

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-faults test-natives test-natives-real lint unit integration test-heat test-image test-vm contract-report bench-heat bench-ready bench-passes bench-image bench-seed bench-resources test-lowest docs clean set-up set-up-heat set-up-image

help:           ## this list
	@sed -n 's/^\([a-z-]*\): .*##/\1\t/p' Makefile | expand -t 16

demo: $(if $(HEAT),set-up-heat,set-up) $(if $(IMAGE),set-up-image) ## a cluster on this machine, in under a minute; KEEP=1 leaves it; DB=mysql, HEAT=real, IMAGE=1 (or a tree), SEED=1 (or MiB), ENGINE=natives (or orchestrator, migration)
	@.venv/bin/guestagent demo $(if $(KEEP),--keep) $(if $(DB),--db $(DB)) $(if $(HEAT),--heat $(HEAT)) \
		$(if $(IMAGE),--image $(filter-out 1,$(IMAGE))) $(if $(SEED),--seed $(filter-out 1,$(SEED))) \
		$(if $(ENGINE),--engine $(ENGINE))

test: set-up-all ## what a submission must pass: lint, types, unit and integration tests, a real Heat, images, a share of the real services; about 40 minutes
	@tools/check

test-all: set-up-all ## the same with every server, every failure, the contract of a real Heat, the lowest versions; an hour
	@tools/check --all

lint: set-up    ## ruff, mypy, release notes
	@tools/check lint types notes

unit: set-up    ## the unit tests
	@tools/check unit

integration: set-up ## the tests on real servers in namespaces
	@tools/check integration

test-heat: set-up-heat ## the tests on a real Keystone and Heat; HEAT_RELEASE=27: of that release, from PyPI; PATIENT=1: the longest too
	@HEAT_RELEASE=$(HEAT_RELEASE) PATIENT=$(PATIENT) tools/check heat

test-image: $(if $(PATIENT),set-up-all,set-up-image) ## build images of both products, boot them, and run clusters of their guests; PATIENT=1: the longest too
	@HEAT_RELEASE=$(HEAT_RELEASE) PATIENT=$(PATIENT) tools/check image

test-vm: set-up-vm ## a disk image, and a source and a replica that boot from it in emulated virtual machines; outside of the gate
	@tools/check vm

test-faults: set-up ## every row of the failure table on three real servers; ARGS="mysql97 --only TLS", ARGS=--json
	@.venv/bin/python tools/servers.py
	@.venv/bin/python -m tests.failures.report $(ARGS)

test-natives: set-up ## the engine NATIVES on the imitated cloud
	@tools/check natives

test-natives-real: set-up ## all engines on a real Nova, Cinder and Neutron, with a fake hypervisor below them; CLOUD_RELEASE=2026.2: of that release, from PyPI; PATIENT=1: the longest too
	@CLOUD_RELEASE=$(CLOUD_RELEASE) tools/check natives-real

contract-report: set-up-heat ## every rule of Heat, the fake's column beside a real one's; HEAT_RELEASE=27, CLOUD_RELEASE=2026.2, ARGS=--json
	@HEAT_RELEASE=$(HEAT_RELEASE) CLOUD_RELEASE=$(CLOUD_RELEASE) .venv/bin/python -m tests.contract.report $(ARGS)

bench-heat: set-up-heat ## clusters of 1 + 10 and 1 + 50 on a real Heat, beside the plain template of 2013; ARGS=--json
	@.venv/bin/python -m tests.bench --plot docs/explanation/performance.svg $(ARGS)

bench-ready: set-up ## from the metadata to the accepted SUCCESS, beside a script by hand; ARGS="--db mysql97 --json"
	@.venv/bin/python -m tests.bench.ready --plot docs/explanation/readiness.svg $(ARGS)

bench-passes: set-up ## processor time of quiet passes with 1000 accounts and long GTID sets; ARGS="--beside CHECKOUT --json"
	@.venv/bin/python -m tests.bench.passes $(ARGS)

bench-image: set-up-image ## an image with and without the agent, its boot, its memory and CPU at rest; ARGS="--image bookworm-mariadb --json"
	@.venv/bin/python -m tests.bench.image --plot docs/explanation/image.svg $(ARGS)

bench-seed: set-up ## a seed by backup or clone under writes, beside its floor without a database; ARGS="--db mysql97 --mib 256 --json"
	@.venv/bin/python -m tests.bench.seed --plot docs/explanation/seeding.svg $(ARGS)

bench-resources: set-up ## the resource manager over RabbitMQ: latency, requests, processor time and memory, beside their goals; ARGS="--instances 50 --json"
	@.venv/bin/python tools/servers.py rabbitmq310
	@.venv/bin/python -m tests.bench.resources --plot docs/explanation/manager-latency.svg $(ARGS)

test-lowest: set-up ## the unit tests with the lowest versions that pyproject.toml admits
	@.venv/bin/python tools/lowest.py

docs: set-up    ## write the pages of docs/reference that come from the code and the tests
	@.venv/bin/python -m guestagent.cli.reference docs/reference/cli.md
	@.venv/bin/python -m tests.failures.page docs/reference/failures.md
	@.venv/bin/python -m tests.unit.resources.natives.decision_table docs/reference/resources-plan.md

clean:          ## remove what the targets above made
	rm -rf .venv .venv-lowest .cache .hypothesis build dist

set-up:         ## apt packages of bindep.txt, and .venv
	@tools/set-up

set-up-heat:    ## and the packages of a real Keystone and Heat
	@tools/set-up heat

set-up-image:   ## and the packages of image trees and their guests
	@tools/set-up image

set-up-vm:
	@tools/set-up image vm

set-up-all:
	@tools/set-up heat image

venv: set-up
.PHONY: venv set-up-vm set-up-all
