# SPDX-License-Identifier: BSD-2-Clause
# Man pages and the operator's guide.
dist_doc_DATA += docs/tandem.conf.md
dist_doc_DATA += docs/operator.md
dist_doc_DATA += docs/media.md
dist_man_MANS = docs/tandemctl.1 docs/tandemd.8 docs/tandem-media.8
