# SPDX-License-Identifier: BSD-2-Clause
# End-to-end runs with SIPp: tests/sipp/run, called by scripts/test.
EXTRA_DIST += tests/sipp
