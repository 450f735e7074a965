# SPDX-License-Identifier: BSD-2-Clause
# The whole folder goes into a release.
EXTRA_DIST += scripts
