# SPDX-License-Identifier: BSD-2-Clause
# The whole folder goes into a release (by name: the build's folder of that name holds the logs of the checks), and
# these into "make check".
EXTRA_DIST += tests/conformance
EXTRA_DIST += $(addprefix scripts/,$(filter-out %.log %.trs,$(notdir $(wildcard $(srcdir)/scripts/*))))
TD_SOURCE_CHECKS += scripts/check-layers scripts/check-style scripts/check-symbols scripts/check-units scripts/check-examples scripts/check-editor
