# SPDX-License-Identifier: BSD-2-Clause
# Attacks on both daemons over loopback: tests/attack/run, called by scripts/test.
EXTRA_DIST += tests/attack
