# SPDX-License-Identifier: BSD-2-Clause
# One fragment per layer.
include tests/unit/core.mk
include tests/unit/config.mk
include tests/unit/sip.mk
include tests/unit/route.mk
include tests/unit/media.mk
include tests/unit/cdr.mk
include tests/unit/call.mk
include tests/unit/relay.mk
include tests/unit/daemon.mk
