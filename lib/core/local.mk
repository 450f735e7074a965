# SPDX-License-Identifier: BSD-2-Clause
# L0: stands on nothing of ours.
noinst_LIBRARIES += lib/core/libtdcore.a
lib_core_libtdcore_a_SOURCES =
