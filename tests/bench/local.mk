# SPDX-License-Identifier: BSD-2-Clause
# Load generators and probes: built by "make", never installed and never run by "make check".
#   noinst_PROGRAMS += tests/bench/<name>
