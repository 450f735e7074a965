/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports to flows: addresses that collide, ports at the ends, the same port again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "relay/flow_map.h"

static struct flow flow_at(uint8_t family, uint8_t last, uint16_t port)
{
    struct flow f = {.local = {.family = family, .port = port}};

    f.local.ip[0] = 10;
    f.local.ip[3] = last;
    f.local.ip[15] = family == 6 ? 1 : 0;
    return f;
}

static void every_port_of_every_address_is_found(void **state)
{
    static const uint16_t port[] = {1024, 1025, 20000, 32767, 32768, 65534, 65535};
    enum { PORTS = sizeof(port) / sizeof(port[0]) };
    struct flow_map m = {.n = 0};
    struct flow *f = calloc(RANGES_MAX * PORTS, sizeof(*f));
    struct flow more = flow_at(4, 200, 1024);

    (void)state;
    assert_non_null(f);
    for (unsigned i = 0; i < RANGES_MAX * PORTS; i++) {
        f[i] = flow_at(i / PORTS % 2 ? 6 : 4, (uint8_t)(i / PORTS), port[i % PORTS]);
        assert_null(flow_map_find(&m, &f[i].local));
        assert_int_equal(flow_map_add(&m, &f[i]), 0);
    }
    assert_int_equal(flow_map_add(&m, &more), -ENOSPC);
    assert_null(flow_map_find(&m, &more.local));
    for (unsigned i = 0; i < RANGES_MAX * PORTS; i++)
        assert_ptr_equal(flow_map_find(&m, &f[i].local), &f[i]);
    for (unsigned i = 0; i < RANGES_MAX * PORTS; i += 2)
        flow_map_del(&m, &f[i]);
    for (unsigned i = 0; i < RANGES_MAX * PORTS; i++)
        assert_ptr_equal(flow_map_find(&m, &f[i].local), i % 2 ? &f[i] : NULL);
    flow_map_fini(&m);
    free(f);
}

static void a_port_taken_again_is_its_new_flows(void **state)
{
    struct flow_map m = {.n = 0};
    struct flow old = flow_at(4, 1, 20000), new = flow_at(4, 1, 20000);
    struct flow six = flow_at(6, 1, 20000);
    struct addr none = {.family = 0};

    (void)state;
    assert_int_equal(flow_map_add(&m, &old), 0);
    assert_int_equal(flow_map_add(&m, &new), 0);
    flow_map_del(&m, &old);
    assert_ptr_equal(flow_map_find(&m, &new.local), &new);
    assert_null(flow_map_find(&m, &six.local));
    assert_null(flow_map_find(&m, &none));
    flow_map_del(&m, &six);
    flow_map_fini(&m);
    flow_map_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_port_of_every_address_is_found),
        cmocka_unit_test(a_port_taken_again_is_its_new_flows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
