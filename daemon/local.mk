# SPDX-License-Identifier: BSD-2-Clause
# L4: the programs. All but the mains is a library, so that unit tests can link it.
noinst_LIBRARIES += daemon/libtddaemon.a
daemon_libtddaemon_a_SOURCES = \
	daemon/admin.c daemon/admin.h \
	daemon/builder.c daemon/builder.h \
	daemon/call_show.c daemon/call_show.h \
	daemon/command_diff.c daemon/command_diff.h \
	daemon/command_explain.c daemon/command_explain.h \
	daemon/command.c daemon/command_conn.c daemon/command_conn.h \
	daemon/diff_report.c daemon/diff_report.h \
	daemon/dips.c daemon/dips.h daemon/dips_show.c \
	daemon/ctl_state.c daemon/ctl_state.h \
	daemon/dispatch.c daemon/dispatch.h \
	daemon/doctor.c daemon/doctor.h daemon/doctor_if.c daemon/doctor_kernel.c daemon/doctor_proc.c \
	daemon/lobby.c daemon/lobby.h \
	daemon/media_plan.c daemon/media_plan.h \
	daemon/media_metrics.c daemon/media_metrics.h \
	daemon/media_show.c daemon/media_show.h \
	daemon/metrics.c daemon/metrics.h \
	daemon/media_setup.c daemon/media_setup.h \
	daemon/netif.c daemon/netif.h daemon/netif_driver.c \
	daemon/node.c daemon/node.h \
	daemon/registrations.c daemon/registrations.h \
	daemon/reload.c daemon/reload.h daemon/resume.c daemon/resume.h \
	daemon/render.c daemon/render.h \
	daemon/snapshot.c daemon/snapshot.h \
	daemon/state.c daemon/state.h \
	daemon/watch.c daemon/watch.h \
	daemon/trunk_admin.c daemon/trunk_admin.h \
	daemon/worker.c daemon/worker.h

sbin_PROGRAMS += daemon/tandemd
daemon_tandemd_SOURCES = daemon/tandemd.c
daemon_tandemd_LDADD = daemon/libtddaemon.a $(TD_LIBS_CALL) $(TD_LIBS_DAEMON)

sbin_PROGRAMS += daemon/tandem-media
daemon_tandem_media_SOURCES = daemon/media_main.c
daemon_tandem_media_LDADD = daemon/libtddaemon.a $(TD_LIBS_RELAY) $(TD_LIBS_CONFIG) $(TD_LIBS_DAEMON)

bin_PROGRAMS += daemon/tandemctl
daemon_tandemctl_SOURCES = daemon/tandemctl.c daemon/ctl.c daemon/ctl.h daemon/ctl_check.c daemon/ctl_diff.c daemon/ctl_doctor.c daemon/ctl_explain.c \
	daemon/ctl_fmt.c
daemon_tandemctl_LDADD = daemon/libtddaemon.a $(TD_LIBS_CALL) $(TD_LIBS_RELAY)

# What is made of the schema's table: by this program at build time, never by hand.
noinst_PROGRAMS += daemon/schemadoc
daemon_schemadoc_SOURCES = daemon/schemadoc.c
daemon_schemadoc_LDADD = $(TD_LIBS_CONFIG)
