# SPDX-License-Identifier: BSD-2-Clause
# The whole folder goes into a release, and these into "make check".
EXTRA_DIST += scripts
TD_SOURCE_CHECKS += scripts/check-layers scripts/check-style scripts/check-symbols scripts/check-units
