# SPDX-License-Identifier: BSD-2-Clause
# Man pages and the operator's guide.
dist_doc_DATA += docs/tandem.conf.md
dist_doc_DATA += docs/operator.md
dist_doc_DATA += docs/media.md
dist_man_MANS = docs/tandemctl.1 docs/tandemd.8 docs/tandem-media.8

# The page of every section and keyword, out of the table that the daemon itself reads them by.
man_MANS = docs/tandem.conf.5
CLEANFILES += docs/tandem.conf.5
docs/tandem.conf.5: daemon/schemadoc$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) docs && daemon/schemadoc$(EXEEXT) man >$@
