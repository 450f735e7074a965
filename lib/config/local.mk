# SPDX-License-Identifier: BSD-2-Clause
# L1: sees core.
noinst_LIBRARIES += lib/config/libtdconfig.a
lib_config_libtdconfig_a_SOURCES =
