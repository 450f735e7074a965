# SPDX-License-Identifier: BSD-2-Clause
# Man pages and the operator's guide.
dist_doc_DATA += docs/tandem.conf.md
