/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes and removes what the kernel path consists of: maps, programs, their attachments, pins. Needs privileges.
 * `tandem-media --setup` and `--teardown` call it; which interfaces and how many ports is not its to decide.
 */
#include "relay/kernel_setup.h"

#include <errno.h>
#include <stdio.h>

#ifndef HAVE_EBPF

int kernel_setup(const struct kernel_setup_param *p, struct kernel_setup_result *out)
{
    (void)p;
    *out = (struct kernel_setup_result){0};
    snprintf(out->why, sizeof(out->why), "built without BPF (configure --with-ebpf)");
    return -ENOTSUP;
}

int kernel_teardown(const char *dir)
{
    (void)dir;
    return 0;
}

#else

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/magic.h>
#include <linux/types.h>
#include <relay.skel.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "core/log.h"
#include "relay/bpf/relay_maps.h"
#include "relay/kernel_tc.h"
#include "relay/pins.h"

#define PATH_LEN      320U
#define KERNEL_TYPES  "/sys/kernel/btf/vmlinux"
/* Maps of a program: ours has eight. */
#define PROG_MAPS_MAX 32U

struct setup {
    const struct kernel_setup_param *p;
    struct kernel_setup_result *out;
    struct relay_bpf *skel;
    uint32_t lines_id;        /* of the map */
    struct maps_about about;  /* as pinned */
    struct pin pin[PINS_MAX]; /* before we begin */
    unsigned n_pins;
};

static int pin_path(const char *dir, const char *name, char path[PATH_LEN])
{
    int n = snprintf(path, PATH_LEN, "%s/%s", dir, name);

    return n > 0 && (unsigned)n < PATH_LEN ? 0 : -ENAMETOOLONG;
}

static int fail(struct setup *s, int err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(s->out->why, sizeof(s->out->why), fmt, ap);
    va_end(ap);
    return err;
}

static int say_nothing(enum libbpf_print_level level, const char *fmt, va_list ap)
{
    (void)fmt;
    (void)ap;
    return (int)level * 0;
}

/* ---- the directory --------------------------------------------------------------------------------------------- */

static bool is_bpffs(const char *path)
{
    struct statfs st;

    return statfs(path, &st) == 0 && (unsigned long)st.f_type == BPF_FS_MAGIC;
}

/* The parent's file system, by cutting the last name off. */
static bool is_in_bpffs(const char *dir)
{
    char up[PATH_LEN];
    char *slash;

    snprintf(up, sizeof(up), "%s", dir);
    slash = strrchr(up, '/');
    if (!slash || slash == up)
        return false;
    *slash = 0;
    return is_bpffs(up);
}

/*
 * A file system of our own where the directory is not in one: systemd mounts /sys/fs/bpf for root alone (0700), and the relay's
 * user must pass.
 */
static int dir_make(struct setup *s)
{
    const char *dir = s->p->dir;

    if (mkdir(dir, 0750) < 0 && errno != EEXIST)
        return fail(s, -errno, "%s cannot be made: %s", dir, strerror(errno));
    if (!is_bpffs(dir) &&
        mount("bpf", dir, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0750") < 0) {
        int err = -errno;

        rmdir(dir);
        return fail(s, err, "no file system for pins at %s: %s", dir, strerror(-err));
    }
    if (chown(dir, 0, s->p->gid) < 0 || chmod(dir, 0750) < 0)
        return fail(s, -errno, "%s: %s", dir, strerror(errno));
    return 0;
}

static int dir_remove(const char *dir)
{
    if (!is_in_bpffs(dir) && is_bpffs(dir) && umount(dir) < 0)
        return -errno;
    return rmdir(dir) == 0 || errno == ENOENT ? 0 : -errno;
}

/* ---- maps ------------------------------------------------------------------------------------------------------ */

/* What is pinned can be read by this version. */
static bool about_read(struct setup *s)
{
    struct bpf_map_info info = {0};
    uint32_t len = sizeof(info), key = 0;
    char path[PATH_LEN];
    bool is_ok;
    int fd;

    if (pin_path(s->p->dir, "about", path) < 0)
        return false;
    fd = bpf_obj_get(path);
    if (fd < 0)
        return false;
    is_ok = bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && info.value_size == sizeof(s->about) &&
            bpf_map_lookup_elem(fd, &key, &s->about) == 0;
    close(fd);
    return is_ok;
}

static void maps_renew(struct setup *s)
{
    memset(&s->about, 0, sizeof(s->about));
    s->out->is_new = true;
}

/* New maps take their names when all that can fail is done: until then the old ones are there for a relay. */
static int maps_pin(struct setup *s)
{
    char path[PATH_LEN];
    struct bpf_map *map;
    int err = 0;

    for (unsigned i = 0; i < s->n_pins; i++) {
        if (s->pin[i].kind == PIN_MAP && pin_path(s->p->dir, s->pin[i].name, path) == 0)
            unlink(path);
    }
    bpf_object__for_each_map(map, s->skel->obj)
    {
        if (err == 0 && !bpf_map__is_internal(map))
            err = pin_path(s->p->dir, bpf_map__name(map), path);
        if (err == 0 && !bpf_map__is_internal(map))
            err = bpf_map__pin(map, path);
    }
    return err < 0 ? fail(s, err, "maps cannot be pinned: %s", strerror(-err)) : 0;
}

/* Of a tracing program: tells what interfaces did not take. Nothing depends on it but a counter. */
static bool is_watch(const struct bpf_program *prog)
{
    enum bpf_prog_type type = bpf_program__type(prog);

    return type == BPF_PROG_TYPE_TRACING || type == BPF_PROG_TYPE_RAW_TRACEPOINT;
}

static int maps_open(struct setup *s, uint32_t lines)
{
    struct bpf_program *prog;
    char path[PATH_LEN];
    struct bpf_map *map;
    int err;

    s->skel = relay_bpf__open();
    if (!s->skel)
        return fail(s, -errno, "the programs cannot be read: %s", strerror(errno));
    err = bpf_map__set_max_entries(s->skel->maps.lines, lines);
    bpf_object__for_each_program(prog, s->skel->obj)
    {
        /* it finds its place by the kernel's types; a kernel without them does without the counter */
        if (is_watch(prog))
            bpf_program__set_autoload(prog, access(KERNEL_TYPES, R_OK) == 0);
    }
    bpf_object__for_each_map(map, s->skel->obj)
    {
        if (err == 0 && !bpf_map__is_internal(map))
            err = pin_path(s->p->dir, bpf_map__name(map), path);
        if (err == 0 && !bpf_map__is_internal(map))
            err = bpf_map__set_pin_path(map, s->out->is_new ? NULL : path);
    }
    if (err == 0)
        err = relay_bpf__load(s->skel);
    if (err == 0)
        return 0;
    relay_bpf__destroy(s->skel);
    s->skel = NULL;
    return fail(s, err, "%s",
                err == -EPERM    ? "no privilege: CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are needed"
                : err == -EINVAL ? "the kernel does not take the programs (6.1 or later is needed)"
                                 : strerror(-err));
}

static uint32_t id_of_map(int fd)
{
    struct bpf_map_info info = {0};
    uint32_t len = sizeof(info);

    return bpf_obj_get_info_by_fd(fd, &info, &len) == 0 ? info.id : 0;
}

static int maps_chown(struct setup *s)
{
    char path[PATH_LEN];
    struct bpf_map *map;

    bpf_object__for_each_map(map, s->skel->obj)
    {
        if (bpf_map__is_internal(map))
            continue;
        if (pin_path(s->p->dir, bpf_map__name(map), path) < 0 || chmod(path, 0600) < 0 ||
            chown(path, s->p->uid, s->p->gid) < 0)
            return fail(s, -errno, "%s: %s", path, strerror(errno));
    }
    return 0;
}

/* Maps that are there are taken if version and size let it; else new ones take their names, and the old live on with the programs. */
static int maps_make(struct setup *s)
{
    uint32_t lines = s->p->lines, key = 0;
    bool has_maps = false;
    int err;

    for (unsigned i = 0; i < s->n_pins; i++)
        has_maps = has_maps || s->pin[i].kind == PIN_MAP;
    s->out->is_new = !has_maps;
    if (has_maps && (!about_read(s) || s->about.version != MAPS_VERSION || s->about.lines < lines))
        maps_renew(s);
    if (s->about.lines > lines)
        lines = s->about.lines;
    err = maps_open(s, lines);
    if (err < 0 && has_maps && !s->out->is_new) { /* the same number, and yet not the same */
        maps_renew(s);
        err = maps_open(s, lines);
    }
    if (err < 0)
        return err;
    s->out->lines = lines;
    s->lines_id = id_of_map(bpf_map__fd(s->skel->maps.lines));
    if (s->out->is_new) {
        s->about = (struct maps_about){
            .version = MAPS_VERSION, .lines = lines, .threads = THREADS_MAX_BPF};
        if (bpf_map_update_elem(bpf_map__fd(s->skel->maps.about), &key, &s->about, BPF_ANY) < 0)
            return fail(s, -errno, "about: %s", strerror(errno));
    }
    return 0;
}

/* ---- a program that is attached -------------------------------------------------------------------------------- */

enum fit {
    FIT_SAME,
    FIT_REPLACE,
    FIT_WAIT, /* of other maps, and no relay has taken the new ones yet: it goes on with what it forwards */
};

static int prog_info(int fd, struct bpf_prog_info *info, uint32_t *ids)
{
    uint32_t len = sizeof(*info);

    memset(info, 0, sizeof(*info));
    info->nr_map_ids = PROG_MAPS_MAX;
    info->map_ids = (uintptr_t)ids;
    return bpf_obj_get_info_by_fd(fd, info, &len);
}

static enum fit fit(const struct setup *s, uint32_t prog_id, int new_fd)
{
    uint32_t ids[PROG_MAPS_MAX], new_ids[PROG_MAPS_MAX];
    struct bpf_prog_info is, new;
    bool has_lines = false;
    int fd = bpf_prog_get_fd_by_id(prog_id);
    int err = fd < 0 ? fd : prog_info(fd, &is, ids);

    if (fd >= 0)
        close(fd);
    if (err < 0 || prog_info(new_fd, &new, new_ids) < 0)
        return FIT_REPLACE;
    for (uint32_t i = 0; i < is.nr_map_ids && i < PROG_MAPS_MAX; i++)
        has_lines = has_lines || ids[i] == s->lines_id;
    if (has_lines)
        return memcmp(is.tag, new.tag, sizeof(is.tag)) == 0 ? FIT_SAME : FIT_REPLACE;
    return s->about.boot ? FIT_REPLACE : FIT_WAIT;
}

/* A link that is pinned: is it what we want, and if not, its program replaced at one stroke. @return -ENOENT: make it */
static int link_keep(struct setup *s, const char *name, uint32_t ifindex, int prog_fd)
{
    struct bpf_link_info info = {0};
    uint32_t len = sizeof(info);
    char path[PATH_LEN];
    int fd, err;

    if (pin_path(s->p->dir, name, path) < 0)
        return -ENAMETOOLONG;
    fd = bpf_obj_get(path);
    if (fd < 0)
        return -ENOENT;
    err = bpf_obj_get_info_by_fd(fd, &info, &len);
    if (err == 0 && ifindex && info.xdp.ifindex != ifindex)
        err = -ENODEV; /* the interface went, and another one has its number */
    if (err < 0) {
        close(fd);
        unlink(path);
        return -ENOENT;
    }
    switch (fit(s, info.prog_id, prog_fd)) {
    case FIT_SAME: break;
    case FIT_WAIT: s->out->is_waiting = true; break;
    case FIT_REPLACE:
        err = bpf_link_update(fd, prog_fd, NULL);
        s->out->replaced += err == 0;
        break;
    }
    close(fd);
    return err;
}

static int link_make(struct setup *s, const char *name, int prog_fd, int target,
                     enum bpf_attach_type type, uint32_t flags)
{
    LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
    char path[PATH_LEN];
    int fd, err;

    if (pin_path(s->p->dir, name, path) < 0)
        return -ENAMETOOLONG;
    fd = bpf_link_create(prog_fd, target, type, &opts);
    if (fd < 0)
        return fd;
    err = bpf_obj_pin(fd, path);
    close(fd);
    return err;
}

static int watch_link(const struct bpf_program *prog, const char *path)
{
    struct bpf_link *link = bpf_program__attach(prog);
    int err;

    if (!link)
        return -errno;
    unlink(path);
    err = bpf_link__pin(link, path);
    bpf_link__destroy(link);
    return err;
}

static int watch_ensure(struct setup *s, const struct bpf_program *prog, unsigned n)
{
    struct bpf_link_info info = {0};
    uint32_t len = sizeof(info);
    char name[PINS_NAME_MAX], path[PATH_LEN];
    int fd, err;

    snprintf(name, sizeof(name), "watch_%u", n);
    err = pin_path(s->p->dir, name, path);
    if (err < 0)
        return err;
    fd = bpf_obj_get(path);
    err = fd < 0 ? fd : bpf_obj_get_info_by_fd(fd, &info, &len);
    if (fd >= 0)
        close(fd);
    /* no update of such a link: the new one counts beside the old one for a moment */
    if (err < 0 || fit(s, info.prog_id, bpf_program__fd(prog)) == FIT_REPLACE)
        err = watch_link(prog, path);
    return err;
}

static void watch(struct setup *s)
{
    struct bpf_program *prog;
    unsigned n = 0;
    int err;

    bpf_object__for_each_program(prog, s->skel->obj)
    {
        if (!is_watch(prog) || !bpf_program__autoload(prog))
            continue;
        err = watch_ensure(s, prog, n++);
        if (err < 0)
            log_ev(LOG_INFO, "media_setup", "errno=%d note=\"refused redirects are not counted\"",
                   -err);
    }
}

static int steer(struct setup *s)
{
    int prog = bpf_program__fd(s->skel->progs.sk_steer);
    int err = link_keep(s, "steer", 0, prog), net;

    if (err != -ENOENT)
        return err;
    net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (net < 0)
        return -errno;
    err = link_make(s, "steer", prog, net, BPF_SK_LOOKUP, 0);
    close(net);
    return err;
}

/* ---- interfaces ------------------------------------------------------------------------------------------------ */

static void link_remove(const char *path)
{
    int fd = bpf_obj_get(path);

    if (fd >= 0) {
        (void)bpf_link_detach(fd); /* at once; the last reference alone does it some time later */
        close(fd);
    }
    unlink(path);
}

/* A TC attachment has two pins; the qdisc's goes with the filter's. */
static void tc_remove(const char *dir, uint32_t ifindex)
{
    char name[PINS_NAME_MAX], path[PATH_LEN];
    bool owns_qdisc = false;

    if (pin_path(dir, pins_name(PIN_CLSACT, MEDIA_PATH_TC, ifindex, name), path) == 0)
        owns_qdisc = unlink(path) == 0;
    kernel_tc_detach(ifindex, owns_qdisc);
    if (pin_path(dir, pins_name(PIN_TC, MEDIA_PATH_TC, ifindex, name), path) == 0)
        unlink(path);
}

static void pin_remove(const char *dir, const struct pin *pin)
{
    char path[PATH_LEN];

    /* whichever comes first: the other one's pin tells whose the qdisc is */
    if (pin->kind == PIN_TC || pin->kind == PIN_CLSACT) {
        tc_remove(dir, pin->ifindex);
    } else if (pin_path(dir, pin->name, path) == 0) {
        if (pin->kind == PIN_XDP || pin->kind == PIN_STEER)
            link_remove(path);
        else
            unlink(path);
    }
}

static int tc_pin(struct setup *s, enum pin_kind kind, uint32_t ifindex, int prog)
{
    char name[PINS_NAME_MAX], path[PATH_LEN];
    int err = pin_path(s->p->dir, pins_name(kind, MEDIA_PATH_TC, ifindex, name), path);

    if (err < 0)
        return err;
    unlink(path);
    return bpf_obj_pin(prog, path);
}

static int tc_ensure(struct setup *s, const struct kernel_setup_if *i)
{
    int prog = bpf_program__fd(s->skel->progs.tc_relay);
    uint32_t have = kernel_tc_query(i->ifindex);
    bool made_qdisc = false;
    int err;

    if (have) {
        enum fit f = fit(s, have, prog);

        s->out->is_waiting = s->out->is_waiting || f == FIT_WAIT;
        if (f != FIT_REPLACE)
            return 0;
        s->out->replaced++;
    }
    err = kernel_tc_attach(i->ifindex, prog, &made_qdisc);
    if (err == 0)
        err = tc_pin(s, PIN_TC, i->ifindex, prog);
    /* what has no pin nobody would take away */
    if (err < 0 && !have)
        kernel_tc_detach(i->ifindex, made_qdisc);
    if (err == 0 && made_qdisc)
        err = tc_pin(s, PIN_CLSACT, i->ifindex, prog);
    return err;
}

static int path_ensure(struct setup *s, const struct kernel_setup_if *i, enum media_path path)
{
    bool is_native = path == MEDIA_PATH_XDP_NATIVE;
    int prog = bpf_program__fd(s->skel->progs.xdp_relay), err;
    char name[PINS_NAME_MAX];

    if (path == MEDIA_PATH_TC)
        return tc_ensure(s, i);
    pins_name(PIN_XDP, path, i->ifindex, name);
    err = link_keep(s, name, i->ifindex, prog);
    if (err == -ENOENT)
        err = link_make(s, name, prog, (int)i->ifindex, BPF_XDP,
                        is_native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
    return err;
}

static const char *attach_error(enum media_path path, int err)
{
    if (path == MEDIA_PATH_TC && err == -EINVAL)
        return "another filter has our preference (7), or an ingress qdisc the place of clsact";
    return err == -EBUSY || err == -EEXIST ? "another program is attached there"
           : err == -EOPNOTSUPP            ? "the driver has no XDP"
           : err == -EINVAL ? "the driver refuses (MTU, number of queues, or LRO is on)"
                            : strerror(-err);
}

static void path_remove(const struct setup *s, uint32_t ifindex, enum media_path path)
{
    struct pin pin = {
        .kind = path == MEDIA_PATH_TC ? PIN_TC : PIN_XDP, .path = path, .ifindex = ifindex};

    pins_name(pin.kind, path, ifindex, pin.name);
    pin_remove(s->p->dir, &pin);
}

/* What is attached now and allowed stays; nothing there: the best first. */
static void if_ensure(struct setup *s, struct kernel_setup_if *i)
{
    enum media_path now = MEDIA_PATH_STEERED;
    int err;

    for (unsigned k = 0; k < s->n_pins; k++) {
        const struct pin *pin = &s->pin[k];

        if (pin->ifindex != i->ifindex || (pin->kind != PIN_XDP && pin->kind != PIN_TC))
            continue;
        if (i->may & 1U << pin->path)
            now = pin->path;
        else
            pin_remove(s->p->dir, pin);
    }
    i->path = now;
    if (now != MEDIA_PATH_STEERED && path_ensure(s, i, now) == 0)
        return;
    /* an old program that stays drops what comes to ports that its maps do not know: better none than that one */
    if (now != MEDIA_PATH_STEERED)
        path_remove(s, i->ifindex, now);
    for (unsigned path = MEDIA_PATH_XDP_NATIVE; path > MEDIA_PATH_STEERED; path--) {
        size_t n = strlen(i->why);

        if (!(i->may & 1U << path))
            continue;
        i->path = path;
        err = path_ensure(s, i, path);
        if (err == 0)
            return;
        snprintf(i->why + n, sizeof(i->why) - n, "%s%s: %s", n ? "; " : "", media_path_name(path),
                 attach_error(path, err));
    }
    i->path = MEDIA_PATH_STEERED;
}

static bool is_wanted(const struct setup *s, uint32_t ifindex)
{
    for (unsigned i = 0; i < s->p->n_ifs; i++) {
        if (s->p->ifs[i].ifindex == ifindex)
            return true;
    }
    return false;
}

static void ifs_remove_others(struct setup *s)
{
    for (unsigned i = 0; i < s->n_pins && !s->p->keeps_others; i++) {
        const struct pin *pin = &s->pin[i];

        if ((pin->kind == PIN_XDP || pin->kind == PIN_TC) && !is_wanted(s, pin->ifindex))
            pin_remove(s->p->dir, pin);
    }
}

/* For the relay, in the map: whatever is attached now. */
static void ifs_tell(struct setup *s)
{
    struct media_if now[IFS_MAX];
    int fd = bpf_map__fd(s->skel->maps.ifs);
    int n = pins_interfaces(s->p->dir, now, IFS_MAX);

    for (uint32_t i = 0; i < IFS_MAX; i++) {
        struct maps_if m = {0};

        if ((int)i < n) {
            m.ifindex = now[i].ifindex;
            m.path = now[i].path;
            snprintf(m.name, sizeof(m.name), "%s", now[i].name);
        }
        (void)bpf_map_update_elem(fd, &i, &m, BPF_ANY);
    }
}

static int pins_remove(const char *dir)
{
    struct pin pin[PINS_MAX];
    int n = pins_list(dir, pin, PINS_MAX);

    for (int i = 0; i < n; i++)
        pin_remove(dir, &pin[i]);
    return n;
}

static int setup_locked(struct setup *s)
{
    const struct kernel_setup_param *p = s->p;
    int err, n = pins_list(p->dir, s->pin, PINS_MAX);

    if (n < 0)
        return fail(s, n, "%s: %s", p->dir, strerror(-n));
    s->n_pins = (unsigned)n;
    err = maps_make(s);
    if (err < 0)
        return err;
    err = steer(s);
    if (err < 0)
        return fail(s, err, "sk_lookup: %s", strerror(-err));
    if (s->out->is_new)
        err = maps_pin(s);
    if (err == 0)
        err = maps_chown(s);
    if (err < 0) {
        /* old names are gone, new ones are not complete: programs that drop for maps nobody can open are worse than none */
        pins_remove(p->dir);
        return err;
    }
    watch(s);
    for (unsigned i = 0; i < p->n_ifs; i++)
        if_ensure(s, &p->ifs[i]);
    ifs_remove_others(s);
    ifs_tell(s);
    return 0;
}

int kernel_setup(const struct kernel_setup_param *p, struct kernel_setup_result *out)
{
    struct setup s = {.p = p, .out = out};
    int err, lock;

    *out = (struct kernel_setup_result){0};
    if (p->n_ifs > MEDIA_IFS_MAX || p->lines > LINES_MAX)
        return fail(&s, -EINVAL, "more than %u interfaces or %u ports", MEDIA_IFS_MAX, LINES_MAX);
    libbpf_set_print(say_nothing);
    err = dir_make(&s);
    if (err < 0)
        return err;
    /* the unit's and an operator's at the same time: one after the other */
    lock = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0 || flock(lock, LOCK_EX) < 0)
        err = fail(&s, -errno, "%s: %s", p->dir, strerror(errno));
    else
        err = setup_locked(&s);
    if (lock >= 0)
        close(lock);
    if (s.skel)
        relay_bpf__destroy(s.skel);
    return err;
}

int kernel_teardown(const char *dir)
{
    int n;

    if (!is_bpffs(dir))
        return 0; /* nothing there, or nothing of ours */
    libbpf_set_print(say_nothing);
    n = pins_remove(dir);
    if (n < 0)
        return n;
    return dir_remove(dir);
}

#endif
