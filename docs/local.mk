# SPDX-License-Identifier: BSD-2-Clause
# Man pages and the operator's guide.
