/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads what doctor.c wants to know out of /proc: backlog drops, interrupts by processor, a process.
 * The other doctor files call it; what is good and what is bad it does not know.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/span.h"
#include "daemon/doctor.h"

#define CPUS_MAX_SEEN 1024U
/* A column is 11 characters; with 1,024 processors a line has some 11 KiB. */
#define LINE_BYTES 32768U
/* The relay opens its packet sockets when it starts, before any call's. */
#define SOCKETS_LOOKED_AT 200U

static FILE *open_below(const char *root, const char *path)
{
    char full[512];

    return (unsigned)snprintf(full, sizeof(full), "%s%s", root, path) < sizeof(full)
               ? fopen(full, "re")
               : NULL;
}

int doctor_number(const struct doctor *d, const char *path, uint64_t *out)
{
    FILE *f = open_below(d->root, path);
    unsigned long long v;
    int n;

    if (!f)
        return -errno;
    n = fscanf(f, "%llu", &v);
    fclose(f);
    if (n != 1)
        return -EINVAL;
    *out = v;
    return 0;
}

/* A line a processor, hexadecimal: packets, dropped, turns that ended before all was done, … */
int doctor_softnet_read(FILE *f, struct doctor_softnet *out)
{
    unsigned processed, dropped, squeezed;
    char line[512];

    memset(out, 0, sizeof(*out));
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%x %x %x", &processed, &dropped, &squeezed) != 3)
            return -EINVAL;
        out->processed += processed;
        out->dropped += dropped;
        out->squeezed += squeezed;
        out->cpus++;
    }
    return out->cpus ? 0 : -EINVAL;
}

/* The name stands alone or ends at what queues are numbered with: eth1 is not eth10. */
static bool has_name(const char *text, const char *name)
{
    size_t n = strlen(name);

    for (const char *at = n ? strstr(text, name) : NULL; at; at = strstr(at + 1, name)) {
        bool begins = at == text || !isalnum((unsigned char)at[-1]);

        if (begins && !isalnum((unsigned char)at[n]))
            return true;
    }
    return false;
}

/* " 24:   100   200  PCI-MSI 1-edge  eth0-TxRx-0" */
static void add_irq(struct doctor_irqs *out, char *line, unsigned cpus, const char *name,
                    const char *bus, uint64_t *count)
{
    char *at = strchr(line, ':');
    uint64_t n[CPUS_MAX_SEEN];

    if (!at)
        return;
    *at++ = 0;
    for (unsigned i = 0; i < cpus; i++) {
        char *end;

        n[i] = strtoull(at, &end, 10);
        if (end == at)
            return;
        at = end;
    }
    if (!has_name(at, name) && !has_name(at, bus))
        return;
    if (out->lines++ == 0)
        snprintf(out->first, sizeof(out->first), "%.15s", line + strspn(line, " "));
    for (unsigned i = 0; i < cpus; i++) {
        count[i] += n[i];
        out->total += n[i];
    }
}

int doctor_irqs_read(FILE *f, const char *name, const char *bus, struct doctor_irqs *out)
{
    char *line = malloc(LINE_BYTES);
    uint64_t count[CPUS_MAX_SEEN] = {0};
    unsigned cpus = 0;
    int err = line ? 0 : -ENOMEM;

    memset(out, 0, sizeof(*out));
    if (line && fgets(line, LINE_BYTES, f)) {
        for (const char *at = strstr(line, "CPU"); at && cpus < CPUS_MAX_SEEN;
             at = strstr(at + 3, "CPU"))
            cpus++;
    }
    if (cpus == 0)
        err = err ? err : -EINVAL;
    while (err == 0 && fgets(line, LINE_BYTES, f))
        add_irq(out, line, cpus, name, bus, count);
    out->cpus_all = cpus;
    for (unsigned i = 0; i < cpus; i++)
        out->cpus += count[i] > out->total / 100;
    free(line);
    return err;
}

static bool read_line(const char *root, const char *pid, const char *file, const char *key,
                      char *text, size_t size)
{
    char path[320], line[256];
    bool is_found = false;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%s/%s", pid, file);
    f = open_below(root, path);
    while (f && !is_found && fgets(line, sizeof(line), f)) {
        size_t n = strlen(key);

        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, key, n) != 0)
            continue;
        snprintf(text, size, "%s", line + n + strspn(line + n, " \t"));
        is_found = true;
    }
    if (f)
        fclose(f);
    return is_found;
}

/* /proc/PID/net/packet: a line a packet socket of its network namespace, the ninth column is the inode. */
static bool is_packet_socket(const char *root, const char *pid, unsigned long inode)
{
    char path[320], line[256];
    bool is_found = false;
    unsigned long n;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%s/net/packet", pid);
    f = open_below(root, path);
    while (f && !is_found && fgets(line, sizeof(line), f))
        is_found = sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %*s %lu", &n) == 1 && n == inode;
    if (f)
        fclose(f);
    return is_found;
}

/* A relay by sockets may have 20,000; one with a packet socket has a few dozen descriptors. */
static void read_sockets(const char *root, const char *pid, struct doctor_process *out)
{
    char path[320], target[64];
    unsigned left = SOCKETS_LOOKED_AT;
    const struct dirent *e;
    DIR *d;

    snprintf(path, sizeof(path), "%s/proc/%s/fd", root, pid);
    d = opendir(path);
    out->fds_seen = d != NULL;
    while (d && left && !out->is_packet && (e = readdir(d)) != NULL) {
        ssize_t n = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);
        unsigned long inode;

        target[n > 0 ? n : 0] = 0;
        if (sscanf(target, "socket:[%lu]", &inode) != 1)
            continue;
        left--;
        out->is_packet = is_packet_socket(root, pid, inode);
    }
    if (d)
        closedir(d);
}

static void read_process(const char *root, const char *pid, struct doctor_process *out)
{
    char text[256];

    out->pid = (pid_t)strtol(pid, NULL, 10);
    if (read_line(root, pid, "status", "Uid:", text, sizeof(text)))
        out->uid = (uint32_t)strtoul(text, NULL, 10);
    if (read_line(root, pid, "status", "CapEff:", text, sizeof(text)))
        out->caps = strtoull(text, NULL, 16);
    if (read_line(root, pid, "limits", "Max open files", text, sizeof(text)))
        out->descriptors_limit = strtoull(text, NULL, 10);
    read_sockets(root, pid, out);
}

void doctor_process_find(const char *root, const char *name, struct doctor_process *out)
{
    char path[256], comm[64];
    const struct dirent *e;
    DIR *d;

    memset(out, 0, sizeof(*out));
    snprintf(path, sizeof(path), "%s/proc", root);
    d = opendir(path);
    while (d && (e = readdir(d)) != NULL) {
        if (!isdigit((unsigned char)e->d_name[0]) ||
            !read_line(root, e->d_name, "comm", "", comm, sizeof(comm)) || strcmp(comm, name) != 0)
            continue;
        if (out->n++ == 0)
            read_process(root, e->d_name, out);
    }
    if (d)
        closedir(d);
}
