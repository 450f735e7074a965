/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/choose.c, choose_line.c, choose_out.c, choose_via.c, book.c: the steps of a decision but prices.
 */
#include "choose_rig.h"

#define IN "trunk in\n  listen main\n  media none\n  peer 198.51.100.1 udp\n  routes retail\n"

static void a_line_counts_only_where_its_conditions_hold(void **state)
{
    struct choose_rig g;
    (void)state;
    rig_begin(&g);
    rig_route(&g, IN
              "  customer acme\ncustomer acme\n"
              "trunk other\n  listen main\n  media none\n  peer 198.51.100.2 udp\n  routes retail\n"
              "route retail\n"
              "  prefix +44 from other via alpha\n"
              "  prefix +44 caller +1212 +1518 via bravo\n"
              "  prefix +44 from acme caller +49 via charlie\n"
              "  prefix +4420 caller +33 via delta\n"
              "  prefix + via alpha then bravo\n"
              "  default cause 410\n");
    assert_string_equal(rig_decide(&g, "+441234567890"), "alpha bravo"); /* no caller fits none */
    g.q.caller = SPAN("+12125550100");
    assert_string_equal(rig_decide(&g, "+441234567890"), "bravo");
    assert_string_equal(rig_decide(&g, "+442079460123"), "bravo"); /* the next shorter prefix */
    g.q.caller = SPAN("+33123456789");
    assert_string_equal(rig_decide(&g, "+442079460123"), "delta");
    assert_string_equal(rig_decide(&g, "+441234567890"), "alpha bravo");
    g.q.caller = SPAN("+49301234567");
    assert_string_equal(rig_decide(&g, "+442079460123"), "charlie");
    assert_string_equal(rig_decide(&g, "999"), "410");
    assert_int_equal(g.d.verdict, ROUTE_REFUSED);
    rig_end(&g);
}

static void a_line_whose_calendar_is_closed_gives_way(void **state)
{
    struct choose_rig g;
    (void)state;
    rig_begin(&g);
    rig_route(&g, IN "calendar office\n  timezone America/New_York\n  open mon-fri 08:00-18:00\n"
                     "route retail\n"
                     "  prefix +44 when office via alpha\n"
                     "  prefix +44 when not office via bravo\n"
                     "  prefix +4420 when office via charlie\n");
    assert_string_equal(rig_decide(&g, "+441234567890"), "alpha"); /* Tuesday 17:13 there */
    assert_string_equal(rig_decide(&g, "+442079460123"), "charlie");
    g.q.wall_s += 47 * 60;
    assert_string_equal(rig_decide(&g, "+441234567890"), "bravo");
    assert_string_equal(rig_decide(&g, "+442079460123"), "bravo");
    rig_end(&g);
}

static void lists_decide_top_down_and_are_not_asked_in_an_emergency(void **state)
{
    struct choose_rig g;
    (void)state;
    rig_begin(&g);
    rig_write(&g, "irsf.txt", "# revenue share\n+8821\n+4470\n");
    rig_route(&g, IN "route retail\n"
                     "  allow prefix +447012\n"
                     "  block prefix-file irsf.txt cause 603 \"Blocked destination\"\n"
                     "  block caller prefix +1900\n"
                     "  prefix + via alpha\n");
    assert_string_equal(rig_decide(&g, "+88211234567"), "603");
    assert_int_equal(g.d.verdict, ROUTE_REFUSED);
    assert_string_equal(g.d.reason, "Blocked destination");
    assert_string_equal(rig_decide(&g, "+447034567890"), "603");
    assert_string_equal(rig_decide(&g, "+447012345678"), "alpha");
    g.q.caller = SPAN("+19005550100");
    assert_string_equal(rig_decide(&g, "+447012345678"), "alpha"); /* allowed by the first line */
    assert_string_equal(rig_decide(&g, "+441234567890"), "403");
    g.q.caller = SPAN_NONE;
    g.q.rn = SPAN("+88211234567"); /* a routing number leads around no list */
    assert_string_equal(rig_decide(&g, "+441234567890"), "603");
    g.q.rn = SPAN_NONE;
    g.q.emergency = true;
    assert_string_equal(rig_decide(&g, "+88211234567"), "alpha");
    rig_end(&g);
}

static void a_caller_that_is_not_the_trunks_own_is_replaced_or_refused(void **state)
{
    struct choose_rig g;
    (void)state;
    rig_begin(&g);
    rig_write(&g, "dids.txt", "+12125550100\n+1518555*\n");
    rig_route(&g, IN "  caller-allow dids.txt\n  numbers caller plan\n"
                     "numbers plan\n  NXXNXXXXXX -> +1{*}\n"
                     "route retail\n  prefix + caller +1212 via alpha\n  prefix + via bravo\n");
    g.q.caller = SPAN("2125550100");
    assert_string_equal(rig_decide(&g, "+442079460123"), "alpha");
    assert_string_equal(g.d.caller, "+12125550100");
    g.q.caller = SPAN("5185551234");
    assert_string_equal(rig_decide(&g, "+442079460123"), "bravo");
    g.q.caller = SPAN("+12125550101");
    assert_string_equal(rig_decide(&g, "+442079460123"), "403");
    assert_int_equal(g.d.verdict, ROUTE_BAD_CALLER);
    g.q.caller = SPAN_NONE;
    assert_string_equal(rig_decide(&g, "+442079460123"), "403");
    g.q.emergency = true;
    assert_string_equal(rig_decide(&g, "+442079460123"), "bravo");
    rig_end(&g);

    rig_begin(&g);
    rig_write(&g, "dids.txt", "+12125550100\n");
    rig_route(&g, IN "  caller-allow dids.txt\n  default-caller +12125550199\n"
                     "route retail\n  prefix + caller +1212 via alpha\n  prefix + via bravo\n");
    g.q.caller = SPAN("+15185551234");
    assert_string_equal(rig_decide(&g, "+442079460123"), "alpha");
    assert_string_equal(g.d.caller, "+12125550199");
    assert_true(g.d.caller_replaced);
    g.q.caller = SPAN("+12125550100");
    assert_string_equal(rig_decide(&g, "+442079460123"), "alpha");
    assert_false(g.d.caller_replaced);
    rig_end(&g);
}

static void portability_is_asked_once_and_only_where_it_is_wanted(void **state)
{
    struct choose_rig g;
    (void)state;
    rig_begin(&g);
    rig_write(&g, "ported.csv", "+12025550187,+12125559999\n");
    rig_route(&g,
              IN "lnp us\n  csv ported.csv\n  only +1\n"
                 "route retail\n  lnp dip us timeout 50ms on-fail reject\n"
                 "  prefix + via alpha\n  prefix +1212 via bravo\n  prefix +1202 via charlie\n");
    assert_string_equal(rig_decide(&g, "+442079460123"), "alpha");
    rig_decide(&g, "+12025550187");
    assert_int_equal(g.d.verdict, ROUTE_DIP);
    assert_int_equal(g.d.lnp_timeout_ms, 50);
    g.q.dip = ROUTE_DIP_DONE;
    assert_string_equal(rig_decide(&g, "+12025550187"), "charlie");
    g.q.rn = SPAN("+12125559999");
    assert_string_equal(rig_decide(&g, "+12025550187"), "bravo");
    assert_string_equal(g.d.routed, "+12125559999");
    assert_string_equal(g.d.called, "+12025550187");
    assert_string_equal(g.d.candidate[0].called, "+12025550187");
    g.q.dip = ROUTE_DIP_NOT; /* the message has brought it */
    assert_string_equal(rig_decide(&g, "+12025550187"), "bravo");
    g.q.rn = SPAN_NONE;
    g.q.dip = ROUTE_DIP_FAILED;
    assert_string_equal(rig_decide(&g, "+12025550187"), "503");
    assert_int_equal(g.d.verdict, ROUTE_REFUSED);
    g.q.dip = ROUTE_DIP_NOT;
    g.q.emergency = true;
    assert_string_equal(rig_decide(&g, "+12025550187"), "charlie");
    rig_end(&g);
}

static void hold(struct choose_rig *g, const char *trunk, uint32_t calls)
{
    atomic_store(&rig_state(g, trunk)->out.calls, calls);
}

static void groups_go_in_their_order(void **state)
{
    struct choose_rig g;
    unsigned first = 0;
    (void)state;
    rig_begin(&g);
    rig_route(&g,
              IN "group ff\n  member charlie alpha bravo\n"
                 "group rr\n  member alpha bravo charlie\n  order round-robin\n"
                 "group ww\n  member alpha weight 80\n  member bravo weight 20\n  order weighted\n"
                 "group lu\n  member alpha bravo weight 50\n  member charlie\n  order least-used\n"
                 "route retail\n  prefix +1 via ff\n  prefix +2 via rr\n  prefix +3 via ww\n"
                 "  prefix +4 via lu then delta\n");
    assert_string_equal(rig_decide(&g, "+1"), "charlie alpha bravo");
    assert_string_equal(rig_decide(&g, "+2"), "alpha bravo charlie");
    assert_string_equal(rig_decide(&g, "+2"), "bravo charlie alpha");
    g.q.look_only = true;
    assert_string_equal(rig_decide(&g, "+2"), "charlie alpha bravo");
    assert_string_equal(rig_decide(&g, "+2"), "charlie alpha bravo"); /* looking moves nothing */
    g.q.look_only = false;
    assert_string_equal(rig_decide(&g, "+2"), "charlie alpha bravo");
    assert_string_equal(rig_decide(&g, "+2"), "alpha bravo charlie");
    for (uint32_t r = 0; r < 1000; r++) {
        g.q.rnd = r;
        first += strcmp(rig_decide(&g, "+3"), "alpha bravo") == 0;
    }
    assert_in_range(first, 760, 840);
    assert_string_equal(rig_decide(&g, "+4"), "alpha bravo charlie delta");
    hold(&g, "alpha", 4); /* 4 of 100, 1 of 50, 3 of 100 */
    hold(&g, "bravo", 1);
    hold(&g, "charlie", 3);
    assert_string_equal(rig_decide(&g, "+4"), "bravo charlie alpha delta");
    hold(&g, "alpha", 0);
    hold(&g, "bravo", 0);
    hold(&g, "charlie", 0);
    rig_end(&g);
}

static void targets_of_a_tier_share_and_tiers_follow_each_other(void **state)
{
    struct choose_rig g;
    unsigned first = 0, second = 0;
    (void)state;
    rig_begin(&g);
    rig_route(&g, IN "route retail\n  prefix + via alpha 60% bravo 30% charlie 10% then delta\n");
    for (uint32_t r = 0; r < 10000; r++) {
        g.q.rnd = r;
        const char *got = rig_decide(&g, "+1");
        assert_int_equal(g.d.n, 4);
        assert_non_null(strstr(got, " delta"));
        first += strncmp(got, "alpha", 5) == 0;
        second += strncmp(got, "alpha bravo", 11) == 0;
    }
    assert_in_range(first, 5850, 6150);
    assert_in_range(second, 4350, 4650); /* behind alpha, bravo has 30 of 40 */
    rig_end(&g);
}

static void set_down(struct choose_rig *g, const char *trunk, bool down)
{
    targets_of(rig_state(g, trunk))->v[0].health->down = down;
}

static void what_cannot_be_used_is_left_out(void **state)
{
    struct choose_rig g;
    bool on[16] = {false};
    struct route_assume a = {0};
    (void)state;
    rig_begin(&g);
    rig_route(&g, IN "route retail\n  emergency via alpha then bravo then charlie then delta\n"
                     "  prefix + via alpha then bravo then charlie then delta\n"
                     "  prefix +9 via alpha\n");
    set_down(&g, "alpha", true);
    assert_string_equal(rig_decide(&g, "+1"), "bravo charlie delta");
    rig_state(&g, "bravo")->admin = TRUNK_DRAIN;
    assert_string_equal(rig_decide(&g, "+1"), "charlie delta");
    rig_state(&g, "charlie")->admin = TRUNK_DOWN;
    assert_string_equal(rig_decide(&g, "+1"), "delta");
    assert_int_equal(g.d.dropped_down, 3);
    assert_string_equal(rig_decide(&g, "+9"), "503");
    assert_int_equal(g.d.verdict, ROUTE_ALL_DOWN);
    g.q.emergency = true; /* those that are down stand last; what the operator took down, nowhere */
    assert_string_equal(rig_decide(&g, "+1"), "delta alpha bravo");
    g.q.emergency = false;
    rig_state(&g, "bravo")->admin = rig_state(&g, "charlie")->admin = TRUNK_UP;
    set_down(&g, "alpha", false);
    on[rig_trunk(&g, "bravo")] = true;
    g.q.assume = &a;
    a.down = on;
    assert_string_equal(rig_decide(&g, "+1"), "alpha charlie delta");
    a = (struct route_assume){.full = on};
    assert_string_equal(rig_decide(&g, "+1"), "alpha charlie delta");
    g.q.emergency = true; /* limits are nothing to it */
    assert_string_equal(rig_decide(&g, "+1"), "alpha bravo charlie delta");
    g.q.emergency = false;
    a = (struct route_assume){.drained = on};
    assert_string_equal(rig_decide(&g, "+1"), "alpha charlie delta");
    rig_end(&g);
}

static void a_trunk_whose_breaker_is_open_is_left_out(void **state)
{
    struct choose_rig g;
    uint64_t trial;
    (void)state;
    rig_begin(&g);
    rig_route(&g, IN "profile p\n  breaker trip 50% of 10 in 30s retry 20s\n"
                     "trunk echo\n  from p\n  listen main\n  media none\n  peer 198.51.100.16 udp\n"
                     "route retail\n  prefix + via echo then bravo\n  prefix +9 via echo\n");
    const struct conf_breaker *b = &g.conf->trunk.v[rig_trunk(&g, "echo")].breaker;
    assert_string_equal(rig_decide(&g, "+1"), "echo bravo");
    for (unsigned i = 0; i < 10; i++) {
        assert_true(breaker_enter(&rig_state(&g, "echo")->breaker, b, g.q.now_ms, &trial));
        breaker_leave(&rig_state(&g, "echo")->breaker, b, BREAKER_FAILED, trial, g.q.now_ms, 1);
    }
    assert_string_equal(rig_decide(&g, "+1"), "bravo");
    assert_string_equal(rig_decide(&g, "+9"), "503");
    assert_int_equal(g.d.retry_after_s, 20);
    g.q.now_ms += 20001;
    assert_string_equal(rig_decide(&g, "+1"),
                        "echo bravo"); /* half-open: the next call is the trial */
    rig_end(&g);
}

static void files_are_read_by_the_check_and_not_again(void **state)
{
    struct choose_rig g;
    struct conf_errors errs = {0};
    struct route_param p = {.wall_s = RIG_NOW, .errs = &errs};
    const char *why;
    (void)state;
    rig_begin(&g);
    rig_write(&g, "a.csv", "44,0.01\n");
    rig_write(&g, "irsf.txt", "+8821\n");
    p.conf = g.conf =
        rig_load(&g, IN "ratedeck a trunk alpha\n  file a.csv\n  columns prefix rate\n"
                        "route retail\n  block prefix-file irsf.txt\n  prefix +44 lcr a\n");
    p.reg = g.reg = trunk_registry_new();
    route_check_files(&p, p.conf, &errs);
    assert_int_equal(errs.errors, 0);
    assert_non_null(p.book);
    rig_remove(&g, "a.csv");
    rig_remove(&g, "irsf.txt");
    g.rt = route_new(&p, &why);
    assert_non_null(g.rt);
    assert_null(p.book);
    rig_publish(&g);
    assert_string_equal(rig_decide(&g, "+441234567890"), "alpha");

    route_check_files(&p, p.conf, &errs); /* now they are gone: one error each */
    assert_int_equal(errs.errors, 2);
    assert_null(route_new(&p, &why));
    assert_non_null(strstr(why, "t.conf:"));
    book_free(p.book);
    conf_errors_fini(&errs);
    rig_end(&g);
}

static void a_file_that_many_name_is_read_once(void **state)
{
    struct choose_rig g;
    struct conf_errors errs = {0};
    struct route_param p = {.wall_s = RIG_NOW};
    (void)state;
    rig_begin(&g);
    rig_write(&g, "dids.txt", "+12125550100\n12x\n");
    g.conf =
        rig_load(&g, "profile p\n  caller-allow dids.txt\n"
                     "trunk in\n  from p\n  listen main\n  media none\n  peer 198.51.100.1 udp\n"
                     "trunk in2\n  from p\n  listen main\n  media none\n  peer 198.51.100.2 udp\n");
    route_check_files(&p, g.conf, &errs);
    assert_int_equal(errs.errors, 1);
    assert_string_equal(errs.v[0].source, "12x");
    book_free(p.book);
    conf_errors_fini(&errs);
    rig_end(&g);
}

/* ---- trace ---- */

struct told {
    unsigned n[ROUTE_STEP_VERDICT + 1];
    char last[512];
};

static void note(void *arg, const struct route_note *n)
{
    struct told *t = arg;
    t->n[n->step]++;
    assert_true(strlen(n->text) > 0);
    snprintf(t->last, sizeof(t->last), "%s", n->text);
}

static uint32_t next_rnd(uint32_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    return *x;
}

static void watching_changes_nothing(void **state)
{
    struct choose_rig g;
    struct route_decision first;
    uint32_t x = 2463534242;
    struct told told = {{0}, ""};
    const struct route_trace trace = {note, &told};
    (void)state;
    rig_begin(&g);
    rig_write(&g, "a.csv", "1,0.01\n44,0.02\n4420,0.01\n8,0.5\n");
    rig_write(&g, "b.csv", "1,0.01\n44,0.02\n3,0.03\n");
    rig_write(&g, "c.csv", "+,0.02\n");
    rig_write(&g, "s.csv", "1,0.02\n44,0.02\n");
    rig_write(&g, "irsf.txt", "+8821\n+1900\n");
    rig_write(&g, "dids.txt", "+1*\n");
    rig_route(&g, IN
              "  sell-deck s\n  numbers plan\n  caller-allow dids.txt\n"
              "  default-caller +19995550100\n"
              "numbers plan\n  9XX -> keep class emergency\n  +. -> keep\n  NX. -> +{*}\n"
              "ratedeck s\n  file s.csv\n  columns prefix rate\n"
              "ratedeck a trunk alpha\n  file a.csv\n  columns prefix rate\n"
              "ratedeck b trunk bravo\n  file b.csv\n  columns prefix rate\n  currency EUR\n"
              "ratedeck c trunk us\n  file c.csv\n  columns prefix rate\n"
              "group rr\n  member alpha bravo charlie\n  order round-robin\n"
              "group ww\n  member alpha bravo delta\n  order weighted\n"
              "route retail\n  emergency via alpha then delta\n  block prefix-file irsf.txt\n"
              "  prefix +1 lcr a b c then rr\n  prefix +44 caller +1999 lcr a b margin 0 then ww\n"
              "  prefix +44 via ww\n  prefix +3 lcr b max-cost 0.01\n"
              "  prefix + via rr ww then us\n  default cause 410\n");
    g.q.look_only = true;
    for (unsigned i = 0; i < 20000; i++) {
        static const char *const begin[] = {"+1", "+44", "+4420", "+3",   "+8821",
                                            "+",  "9",   "",      "+1900"};
        static const char *const caller[] = {"+1212", "+44", "anonymous", ""};
        char called[24], from[24];
        snprintf(called, sizeof(called), "%s%u", begin[next_rnd(&x) % 9], next_rnd(&x) % 100000000);
        snprintf(from, sizeof(from), "%s%s", caller[next_rnd(&x) % 4],
                 next_rnd(&x) & 1 ? "5550100" : "");
        if (strchr("9", called[0]))
            called[3] = '\0';
        g.q.rnd = next_rnd(&x);
        g.q.caller = span_of(from);
        set_down(&g, "alpha", next_rnd(&x) % 4 == 0);
        rig_decide(&g, called);
        memcpy(&first, &g.d, sizeof(first));
        memset(&g.d, 0xa5, sizeof(g.d));
        g.q.trace = &trace;
        rig_decide(&g, called);
        g.q.trace = NULL;
        assert_memory_equal(&first, &g.d, offsetof(struct route_decision, candidate));
        for (uint32_t k = 0; k < first.n; k++) {
            assert_int_equal(first.candidate[k].trunk, g.d.candidate[k].trunk);
            assert_int_equal(first.candidate[k].rate, g.d.candidate[k].rate);
            assert_int_equal(first.candidate[k].deck_line, g.d.candidate[k].deck_line);
            assert_string_equal(first.candidate[k].called, g.d.candidate[k].called);
        }
    }
    for (unsigned s = 0; s <= ROUTE_STEP_VERDICT; s++)
        if (s != ROUTE_STEP_LNP)
            assert_in_range(told.n[s], 1, 1000000);
    assert_int_equal(told.n[ROUTE_STEP_VERDICT], 20000);
    rig_end(&g);
}

static void keep_last(void *arg, const struct route_note *n)
{
    char *text = arg;
    if (n->step == ROUTE_STEP_LINE_NOT || n->step == ROUTE_STEP_DROPPED)
        snprintf(text, 200, "%s", n->text);
}

/* 22:13 UTC of a Tuesday is 17:13 in New York. */
static void who_watches_is_told_what_time_it_is_there(void **state)
{
    struct choose_rig g;
    char text[200] = "";
    const struct route_trace trace = {.note = keep_last, .arg = text};
    (void)state;
    rig_begin(&g);
    rig_route(&g, IN "calendar office\n  timezone America/New_York\n  open mon-fri 08:00-17:00\n"
                     "route retail\n  prefix + when office via alpha\n  prefix + via bravo\n");
    g.q.trace = &trace;
    assert_string_equal(rig_decide(&g, "+1"), "bravo");
    assert_string_equal(text, "+: its calendar is closed now (2023-11-14 17:13 Tue)");
    rig_end(&g);
}

static void more_candidates_than_a_call_has_room_for_are_told(void **state)
{
    struct choose_rig g;
    char conf[4096], text[200] = "";
    size_t n = 0;
    const struct route_trace trace = {.note = keep_last, .arg = text};
    (void)state;
    n += (size_t)snprintf(conf, sizeof(conf), "%s", IN);
    for (unsigned i = 0; i <= ROUTE_CANDIDATES_MAX; i++)
        n += (size_t)snprintf(conf + n, sizeof(conf) - n,
                              "trunk t%u\n  listen main\n  media none\n  peer 198.51.100.%u udp\n",
                              i, 100 + i);
    n += (size_t)snprintf(conf + n, sizeof(conf) - n, "route retail\n  prefix + via");
    for (unsigned i = 0; i <= ROUTE_CANDIDATES_MAX; i++)
        n += (size_t)snprintf(conf + n, sizeof(conf) - n, " t%u", i);
    snprintf(conf + n, sizeof(conf) - n, "\n");
    rig_begin(&g);
    rig_route(&g, conf);
    g.q.trace = &trace;
    rig_decide(&g, "+1");
    assert_int_equal(g.d.n, ROUTE_CANDIDATES_MAX);
    assert_string_equal(text, "16 others come before it: not tried");
    rig_end(&g);
}

static void a_call_for_help_stays_one_whatever_a_rule_calls_it(void **state)
{
    struct choose_rig g;
    (void)state;
    rig_begin(&g);
    rig_route(&g, IN "  numbers plan\n"
                     "numbers plan\n  N11 -> keep class service\n  +. -> keep\n"
                     "route retail\n  block prefix 911\n"
                     "  emergency via delta\n  prefix 911 via alpha\n  prefix + via alpha\n");
    assert_string_equal(rig_decide(&g, "911"), "403");
    assert_int_equal(g.d.klass, CONF_CLASS_SERVICE);
    g.q.emergency = true;
    assert_string_equal(rig_decide(&g, "911"), "delta");
    assert_int_equal(g.d.klass, CONF_CLASS_EMERGENCY);
    rig_end(&g);
}

static void a_call_for_help_is_tried_to_the_last(void **state)
{
    struct choose_rig g;
    (void)state;
    rig_begin(&g);
    rig_route(&g, IN "route retail\n  prefix 911 via alpha then bravo max 1 attempts within 5s\n");
    assert_string_equal(rig_decide(&g, "911"), "alpha bravo");
    assert_int_equal(g.d.max_attempts, 1);
    assert_int_equal(g.d.deadline_ms, 5000);
    g.q.emergency = true;
    assert_string_equal(rig_decide(&g, "911"), "alpha bravo");
    assert_int_equal(g.d.max_attempts, 0);
    assert_int_equal(g.d.deadline_ms, 0);
    rig_end(&g);
}

static void an_emergency_line_counts_only_where_its_conditions_hold(void **state)
{
    struct choose_rig g;
    (void)state;
    rig_begin(&g);
    rig_route(&g, IN "route retail\n  emergency caller +1212 via delta\n"
                     "  prefix 911 via alpha\n  prefix + via bravo\n");
    g.q.emergency = true;
    g.q.caller = SPAN("+12125550100");
    assert_string_equal(rig_decide(&g, "911"), "delta");
    g.q.caller = SPAN("+13105550100");
    assert_string_equal(rig_decide(&g, "911"), "alpha");
    g.q.caller = SPAN_NONE;
    assert_string_equal(rig_decide(&g, "911"), "alpha");
    rig_end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_counts_only_where_its_conditions_hold),
        cmocka_unit_test(a_line_whose_calendar_is_closed_gives_way),
        cmocka_unit_test(who_watches_is_told_what_time_it_is_there),
        cmocka_unit_test(more_candidates_than_a_call_has_room_for_are_told),
        cmocka_unit_test(a_call_for_help_stays_one_whatever_a_rule_calls_it),
        cmocka_unit_test(a_call_for_help_is_tried_to_the_last),
        cmocka_unit_test(an_emergency_line_counts_only_where_its_conditions_hold),
        cmocka_unit_test(lists_decide_top_down_and_are_not_asked_in_an_emergency),
        cmocka_unit_test(a_caller_that_is_not_the_trunks_own_is_replaced_or_refused),
        cmocka_unit_test(portability_is_asked_once_and_only_where_it_is_wanted),
        cmocka_unit_test(groups_go_in_their_order),
        cmocka_unit_test(targets_of_a_tier_share_and_tiers_follow_each_other),
        cmocka_unit_test(what_cannot_be_used_is_left_out),
        cmocka_unit_test(a_trunk_whose_breaker_is_open_is_left_out),
        cmocka_unit_test(files_are_read_by_the_check_and_not_again),
        cmocka_unit_test(a_file_that_many_name_is_read_once),
        cmocka_unit_test(watching_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
