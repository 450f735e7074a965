/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tandemctl doctor reads out of /proc and of netlink's answers.
 * Run by make check; it reads texts, not this machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "daemon/doctor.h"

static FILE *text_file(const char *text)
{
    FILE *f = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

    assert_non_null(f);
    return f;
}

static void softnet_drops_of_all_processors_are_added(void **state)
{
    FILE *f = text_file("000000ff 00000001 00000002 0 0 0 0 0 0 0 0 0 0\n"
                        "00000001 00000010 00000000 0 0 0 0 0 0 0 0 0 1\n");
    struct doctor_softnet s;

    (void)state;
    assert_int_equal(doctor_softnet_read(f, &s), 0);
    assert_int_equal(s.processed, 256);
    assert_int_equal(s.dropped, 17);
    assert_int_equal(s.squeezed, 2);
    assert_int_equal(s.cpus, 2);
    fclose(f);
    f = text_file("garbage\n");
    assert_true(doctor_softnet_read(f, &s) < 0);
    fclose(f);
}

/* @return of the one finding: its verdict; *fix NULL: there is nothing to change */
static const char *softnet_said(uint64_t before, uint64_t now, uint64_t backlog, bool *has_fix)
{
    static char verdict[8];
    struct doctor d = {.root = "", .findings = json_array(), .before.dropped = before};
    struct doctor_softnet s = {.processed = 1000, .dropped = now, .cpus = 2};
    const json_t *f;

    doctor_softnet(&d, &s, backlog, 3 * 86400 + 5);
    f = json_array_get(d.findings, 0);
    snprintf(verdict, sizeof(verdict), "%s", json_string_value(json_object_get(f, "verdict")));
    *has_fix = json_is_string(json_object_get(f, "fix"));
    assert_non_null(strstr(json_string_value(json_object_get(f, "text")), "boot 3 days ago"));
    json_decref(d.findings);
    return verdict;
}

static void drops_of_long_ago_warn_no_more_when_the_backlog_was_raised(void **state)
{
    bool has_fix;

    (void)state;
    assert_string_equal(softnet_said(0, 0, 1000, &has_fix), "OK");
    assert_string_equal(softnet_said(17, 17, 1000, &has_fix), "WARN");
    assert_true(has_fix);
    assert_string_equal(softnet_said(17, 17, 10000, &has_fix), "OK");
    assert_false(has_fix);
    assert_string_equal(softnet_said(17, 18, 10000, &has_fix), "WARN");
    assert_true(has_fix);
}

static void who_may_not_use_bpf_is_told_where_to_look(void **state)
{
    const struct doctor d = {.config = "/x.conf"};
    char fix[200];

    (void)state;
    doctor_pins_fix(&d, -EACCES, false, fix, sizeof(fix));
    assert_string_equal(fix, "run it as root");
    doctor_pins_fix(&d, -EPERM, false, fix, sizeof(fix));
    assert_string_equal(fix, "run it as root");
    doctor_pins_fix(&d, -EPERM, true, fix, sizeof(fix));
    assert_non_null(strstr(fix, "on the host"));
    doctor_pins_fix(&d, -EPROTO, true, fix, sizeof(fix));
    assert_non_null(strstr(fix, "--setup --config /x.conf"));
    doctor_pins_fix(&d, -ENOENT, true, fix, sizeof(fix));
    assert_non_null(strstr(fix, "systemctl restart tandem-media"));
}

static const char interrupts[] =
    "            CPU0       CPU1       CPU2       CPU3\n"
    "   1:          9          0          0          0   IO-APIC   1-edge      i8042\n"
    "  24:     100000          0          0          1   PCI-MSI 1-edge      eth1-TxRx-0\n"
    "  25:          0     100000          0          0   PCI-MSI 2-edge      eth1-TxRx-1\n"
    "  26:          0     100000          0          0   PCI-MSI 3-edge      eth1-TxRx-2\n"
    "  27:          0          0      70000          0   PCI-MSI 4-edge      eth10-TxRx-0\n"
    "  28:          0          0          5          5   PCI-MSI 5-edge      virtio2-input.0\n"
    "  29:          7          0          0          0   IR-PCI-MSIX-0000:03:00.0 1-edge   mlx5_comp1@pci:0000:03:00.0\n"
    " NMI:          0          0          0          0   Non-maskable interrupts\n";

static struct doctor_irqs irqs(const char *name, const char *bus)
{
    FILE *f = text_file(interrupts);
    struct doctor_irqs out;

    assert_int_equal(doctor_irqs_read(f, name, bus, &out), 0);
    fclose(f);
    return out;
}

static void interrupts_of_a_device_are_found_by_name_and_by_bus(void **state)
{
    struct doctor_irqs i = irqs("eth1", "");

    (void)state;
    assert_int_equal(i.lines, 3);
    assert_int_equal(i.cpus, 2); /* one interrupt of 300,000 on the fourth is none */
    assert_int_equal(i.cpus_all, 4);
    assert_int_equal(i.total, 300001);
    assert_string_equal(i.first, "24");
    assert_int_equal(irqs("eth10", "").lines, 1);
    assert_int_equal(irqs("ens4", "virtio2").cpus, 2);
    assert_int_equal(irqs("ens5", "0000:03:00.0").lines, 1);
    assert_int_equal(irqs("eth", "virtio").lines, 0);
}

static void this_process_is_found_with_its_limits(void **state)
{
    struct doctor_process p;
    char name[64] = "";
    FILE *f = fopen("/proc/self/comm", "r");

    (void)state;
    assert_non_null(f);
    assert_non_null(fgets(name, sizeof(name), f));
    fclose(f);
    name[strcspn(name, "\n")] = 0;
    doctor_process_find("", name, &p);
    assert_true(p.n >= 1);
    assert_true(p.pid > 0);
    assert_true(p.descriptors_limit > 0);
    doctor_process_find("", "no such program", &p);
    assert_int_equal(p.n, 0);
}

/* An interface as RTM_NEWLINK tells of it. */
static size_t link_message(char *buf, int index, const char *name, const char *kind, uint32_t below)
{
    struct nlmsghdr *h = (struct nlmsghdr *)(void *)buf;
    struct ifinfomsg *m = NLMSG_DATA(h);
    struct rtattr *a, *b;
    size_t n = NLMSG_LENGTH(sizeof(*m));

    memset(buf, 0, 256);
    m->ifi_index = index;
    a = (struct rtattr *)(void *)(buf + n);
    a->rta_type = IFLA_IFNAME;
    a->rta_len = (unsigned short)RTA_LENGTH(strlen(name) + 1);
    memcpy(RTA_DATA(a), name, strlen(name) + 1);
    n += RTA_ALIGN(a->rta_len);
    a = (struct rtattr *)(void *)(buf + n);
    a->rta_type = IFLA_LINK;
    a->rta_len = RTA_LENGTH(4);
    memcpy(RTA_DATA(a), &below, 4);
    n += RTA_ALIGN(a->rta_len);
    a = (struct rtattr *)(void *)(buf + n);
    a->rta_type = IFLA_LINKINFO;
    b = RTA_DATA(a);
    b->rta_type = IFLA_INFO_KIND;
    b->rta_len = (unsigned short)RTA_LENGTH(strlen(kind) + 1);
    memcpy(RTA_DATA(b), kind, strlen(kind) + 1);
    a->rta_len = (unsigned short)RTA_LENGTH(RTA_ALIGN(b->rta_len));
    n += RTA_ALIGN(a->rta_len);
    h->nlmsg_type = RTM_NEWLINK;
    h->nlmsg_len = (uint32_t)n;
    return n;
}

static void a_vlan_is_followed_down_to_its_device(void **state)
{
    char buf[1024] __attribute__((aligned(8)));
    struct netifs s = {0};
    size_t n = link_message(buf, 2, "eth0", "dummy", 0);
    bool is_end;

    (void)state;
    n += link_message(buf + n, 3, "eth0.10", "vlan", 2);
    n += link_message(buf + n, 4, "eth0.10.20", "vlan", 3);
    n += link_message(buf + n, 5, "v0", "veth", 9);
    n += link_message(buf + n, 6, "lost", "vlan", 77);
    assert_int_equal(netifs_parse(&s, buf, n, &is_end), 5);
    assert_false(is_end);
    assert_string_equal(netifs_below(&s, netifs_named(&s, "eth0.10.20"))->name, "eth0");
    assert_string_equal(netifs_below(&s, netifs_named(&s, "v0"))->name, "v0");
    assert_null(netifs_below(&s, netifs_named(&s, "lost")));
    assert_int_equal(netifs_parse(&s, buf, n - 8, &is_end), 4); /* cut: what is whole is taken */
    netifs_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(softnet_drops_of_all_processors_are_added),
        cmocka_unit_test(drops_of_long_ago_warn_no_more_when_the_backlog_was_raised),
        cmocka_unit_test(who_may_not_use_bpf_is_told_where_to_look),
        cmocka_unit_test(interrupts_of_a_device_are_found_by_name_and_by_bus),
        cmocka_unit_test(this_process_is_found_with_its_limits),
        cmocka_unit_test(a_vlan_is_followed_down_to_its_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
