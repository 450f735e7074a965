# SPDX-License-Identifier: BSD-2-Clause
# Units, users, directories, kernel settings. systemd reads what is under /usr/local/lib as well as /usr/lib.
systemdsystemunit_DATA = conf/systemd/tandemd.service conf/systemd/tandem-media.service conf/systemd/tandem.target
sysusersdir = $(prefix)/lib/sysusers.d
sysusers_DATA = conf/sysusers.d/tandem.conf
tmpfilesdir = $(prefix)/lib/tmpfiles.d
tmpfiles_DATA = conf/tmpfiles.d/tandem.conf
sysctldir = $(prefix)/lib/sysctl.d
sysctl_DATA = conf/sysctl.d/60-tandem.conf

TD_CONF_IN = $(systemdsystemunit_DATA) $(tmpfiles_DATA)
CLEANFILES += $(TD_CONF_IN)
EXTRA_DIST += conf/systemd/tandemd.service.in conf/systemd/tandem-media.service.in conf/systemd/tandem.target.in \
	conf/tmpfiles.d/tandem.conf.in conf/sysusers.d/tandem.conf conf/sysctl.d/60-tandem.conf

# Not by AC_CONFIG_FILES: the directories are known to make only (they may hold $${prefix}).
TD_SUBST = $(SED) -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@bindir[@]|$(bindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g'
conf/systemd/tandemd.service: conf/systemd/tandemd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) conf/systemd && $(TD_SUBST) $(srcdir)/conf/systemd/tandemd.service.in >$@
conf/systemd/tandem-media.service: conf/systemd/tandem-media.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) conf/systemd && $(TD_SUBST) $(srcdir)/conf/systemd/tandem-media.service.in >$@
conf/systemd/tandem.target: conf/systemd/tandem.target.in Makefile
	$(AM_V_GEN)$(MKDIR_P) conf/systemd && $(TD_SUBST) $(srcdir)/conf/systemd/tandem.target.in >$@
conf/tmpfiles.d/tandem.conf: conf/tmpfiles.d/tandem.conf.in Makefile
	$(AM_V_GEN)$(MKDIR_P) conf/tmpfiles.d && $(TD_SUBST) $(srcdir)/conf/tmpfiles.d/tandem.conf.in >$@

# bash-completion loads a file by the name of the command.
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = conf/completion/tandemctl

# Syntax for editors: the static part is here, what knows keywords is made of the schema's table.
vimdir = $(pkgdatadir)/editor/vim
vimsyntaxdir = $(vimdir)/syntax
vimftdetectdir = $(vimdir)/ftdetect
vscodedir = $(pkgdatadir)/editor/vscode
vscodesyntaxdir = $(vscodedir)/syntaxes
dist_vimftdetect_DATA = conf/editor/vim/ftdetect/tandem.vim
vimsyntax_DATA = conf/editor/vim/syntax/tandem.vim
dist_vscode_DATA = conf/editor/vscode/package.json conf/editor/vscode/language-configuration.json
vscodesyntax_DATA = conf/editor/vscode/syntaxes/tandem.tmLanguage.json
CLEANFILES += $(vimsyntax_DATA) $(vscodesyntax_DATA)
conf/editor/vim/syntax/tandem.vim: daemon/schemadoc$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) conf/editor/vim/syntax && daemon/schemadoc$(EXEEXT) vim >$@
conf/editor/vscode/syntaxes/tandem.tmLanguage.json: daemon/schemadoc$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) conf/editor/vscode/syntaxes && daemon/schemadoc$(EXEEXT) vscode >$@

# The shipped example, by paths below conf/: what tandem.conf includes, and further examples. It becomes the configuration where there is none: a file of the operator's
# is never replaced, nor removed when it has been changed.
TD_EXAMPLE = $(patsubst $(srcdir)/conf/%,%,$(wildcard $(srcdir)/conf/tandem.conf $(srcdir)/conf/conf.d/*.conf \
	$(srcdir)/conf/conf.d/*/*.conf))
dist_doc_DATA = README.md ARCHITECTURE.md CHANGELOG.md
examplesdir = $(docdir)/examples
examples_DATA = $(wildcard $(srcdir)/conf/examples/*.conf $(srcdir)/conf/examples/*.txt)
EXTRA_DIST += $(patsubst $(srcdir)/%,%,$(examples_DATA))
# Examples of more than one file, in a folder each.
TD_EXAMPLE_SETS = $(patsubst $(srcdir)/conf/examples/%,%,$(wildcard $(srcdir)/conf/examples/*/*.conf \
	$(srcdir)/conf/examples/*/conf.d/*.conf $(srcdir)/conf/examples/*/conf.d/*/*.conf \
	$(srcdir)/conf/examples/*/rates/*.csv $(srcdir)/conf/examples/*/lists/*))
EXTRA_DIST += $(addprefix conf/examples/,$(TD_EXAMPLE_SETS))
EXTRA_DIST += $(addprefix conf/,$(TD_EXAMPLE))

install-data-local:
	$(AM_V_at)$(MKDIR_P) '$(DESTDIR)$(sysconfdir)/tandem'
	$(AM_V_at)for f in $(TD_EXAMPLE); do \
		to='$(DESTDIR)$(sysconfdir)/tandem'/$$f; \
		if test -e "$$to"; then echo "kept: $$to"; continue; fi; \
		$(MKDIR_P) "$$(dirname "$$to")" && $(INSTALL_DATA) '$(srcdir)/conf'/$$f "$$to" || exit 1; \
	done
	$(AM_V_at)for f in $(TD_EXAMPLE_SETS); do \
		to='$(DESTDIR)$(examplesdir)'/$$f; \
		$(MKDIR_P) "$$(dirname "$$to")" && $(INSTALL_DATA) '$(srcdir)/conf/examples'/$$f "$$to" || exit 1; \
	done

uninstall-local:
	$(AM_V_at)for f in $(TD_EXAMPLE_SETS); do rm -f '$(DESTDIR)$(examplesdir)'/$$f; done
	$(AM_V_at)find '$(DESTDIR)$(examplesdir)' -depth -type d -empty -delete 2>/dev/null || :
	$(AM_V_at)for f in $(TD_EXAMPLE); do \
		to='$(DESTDIR)$(sysconfdir)/tandem'/$$f; \
		cmp -s '$(srcdir)/conf'/$$f "$$to" && rm -f "$$to"; \
	done; \
	find '$(DESTDIR)$(sysconfdir)/tandem' -depth -type d -empty -delete 2>/dev/null || :
