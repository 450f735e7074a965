# SPDX-License-Identifier: BSD-2-Clause
# L3: sees everything below it.
noinst_LIBRARIES += lib/call/libtdcall.a
lib_call_libtdcall_a_SOURCES =
