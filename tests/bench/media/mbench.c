/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbench: one program with the parts that the media bench puts into its namespaces.
 * scripts/mediabench runs it; it knows nothing of Tandem.
 */
#include "mbench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/types.h>
#include "wire.h"

int netns_enter(const char *name)
{
    char path[128];
    int fd, err = 0;

    snprintf(path, sizeof(path), "/run/netns/%s", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET) < 0) {
        err = -errno;
        fprintf(stderr, "mbench: namespace %s: %s\n", name, strerror(-err));
    }
    if (fd >= 0)
        close(fd);
    return err;
}

int mac_read(const char *text, uint8_t mac[6])
{
    unsigned m[6];

    if (sscanf(text, "%2x%*c%2x%*c%2x%*c%2x%*c%2x%*c%2x", &m[0], &m[1], &m[2], &m[3], &m[4],
               &m[5]) != 6)
        return -EINVAL;
    for (unsigned i = 0; i < 6; i++)
        mac[i] = (uint8_t)m[i];
    return 0;
}

static bool flow_line(const char *line, struct bench_flow *f)
{
    char addr[4][32];
    unsigned port[4];

    if (sscanf(line, "%c %31s %u %31s %u %31s %u %31s %u", &f->side, addr[0], &port[0], addr[1],
               &port[1], addr[2], &port[2], addr[3], &port[3]) != 9)
        return false;
    f->sport = htons((uint16_t)port[0]);
    f->dport = htons((uint16_t)port[1]);
    f->out_sport = htons((uint16_t)port[2]);
    f->out_dport = htons((uint16_t)port[3]);
    return (f->side == 'a' || f->side == 'b') && inet_pton(AF_INET, addr[0], &f->saddr) == 1 &&
           inet_pton(AF_INET, addr[1], &f->daddr) == 1 &&
           inet_pton(AF_INET, addr[2], &f->out_saddr) == 1 &&
           inet_pton(AF_INET, addr[3], &f->out_daddr) == 1;
}

int flows_read(const char *path, struct bench_flows *out)
{
    FILE *in = fopen(path, "re");
    char line[256];

    out->n = 0;
    out->flow = calloc(FLOWS_MAX, sizeof(*out->flow));
    if (!in || !out->flow) {
        fprintf(stderr, "mbench: %s: %s\n", path, strerror(errno));
        if (in)
            fclose(in);
        return -EIO;
    }
    while (out->n < FLOWS_MAX && fgets(line, sizeof(line), in)) {
        if (!flow_line(line, &out->flow[out->n])) {
            fprintf(stderr, "mbench: %s:%u: not a flow\n", path, out->n + 1);
            fclose(in);
            return -EINVAL;
        }
        out->n++;
    }
    fclose(in);
    return out->n ? 0 : -ENOENT;
}

void wait_for_end(void)
{
    char c;

    puts("ready");
    fflush(stdout);
    while (read(STDIN_FILENO, &c, 1) > 0) {
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*main)(int argc, char **argv);
    } part[] = {{"traffic", traffic_main}, {"bare", bare_main}, {"sockets", sockets_main}};

    for (unsigned i = 0; argc > 1 && i < sizeof(part) / sizeof(part[0]); i++) {
        if (strcmp(argv[1], part[i].name) == 0)
            return part[i].main(argc - 1, argv + 1);
    }
    fputs("usage: mbench traffic|bare|sockets OPTION...\n"
          "The parts of the media bench; scripts/mediabench runs them.\n",
          stderr);
    return 2;
}
