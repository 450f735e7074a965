/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rate table measured: build, memory, lookups, beside a trie and a sorted array of the same prefixes; or verified against a
 * second implementation (--verify). Run by hand, by scripts/test and by tests/bench/route-mtree, which adds Kamailio's.
 */
#include "tests/bench/route.h"

#include <getopt.h>
#include <math.h>
#include <stdatomic.h>
#include "core/clock.h"
#include "core/parallel.h"
#include "route/lcr_priv.h"

#define LIST_MAX 16

struct option_set {
    uint32_t rows[LIST_MAX], candidates[LIST_MAX];
    unsigned n_rows, n_candidates;
    uint32_t lookups;
    uint64_t seed;
    unsigned threads;
    bool uniform, verify, rivals;
    FILE *json;
    const char *dump; /* where rows and numbers go for other programs */
};

/*
 * Nanoseconds a lookup. Alone: each between two fences, less what an empty pair of them takes, so that nothing overlaps. In a row: of
 * runs of 16 without fences, the median, as when a worker reads a batch of calls; and the rate over all.
 * All of the quietest of some rounds: the machine is not ours alone, and a neighbour who takes the cache is not what is measured.
 */
struct figure {
    double p50, p90, p99, in_a_row, mean, ahead;
};
#define ROUNDS 5
#define RUN    16
#define AHEAD  4

enum { TABLE, LINE, TRIE, SORTED, SUBJECTS };
static const char *const subject_name[] = {"table", "one line of memory", "trie", "sorted array"};
enum { RANDOM, SKEWED, PATTERNS };
static const char *const pattern_name[] = {"random", "skewed"};

struct bench {
    const struct option_set *opt;
    struct rig rig;
    struct lcr *t;
    struct trie trie;
    struct sorted sorted;
    uint64_t *key;
    uint32_t n_keys;
    char (*number)[RIG_NUMBER]; /* [lookups] */
    uint8_t *len;
    uint32_t *took; /* ticks */
    struct line {
        uint64_t word[8];
    } * line; /* as many bytes as the table, about: what any lookup in it pays that the cache does not hold */
    uint32_t line_mask, *place;
    double ns_a_tick;
    uint64_t empty; /* ticks */
    double build_s, parse_s, load_s, trie_s, sorted_s;
    struct figure figure[SUBJECTS][PATTERNS];
    uint64_t sum; /* so that nothing is optimised away */
};

static void *must(void *p)
{
    if (!p) {
        fprintf(stderr, "route: out of memory\n");
        exit(1);
    }
    return p;
}

/* ---- numbers ------------------------------------------------------------------------------------------------- */

/* A row's prefix and digits up to a length that numbers have. */
static void number_of_row(struct bench *b, struct rig_rng *r, const struct deck_row *row,
                          uint32_t i)
{
    char *out = b->number[i];
    unsigned n = (unsigned)strlen(key_text(row->key, out)), len = 11 + rig_below(r, 4);

    rig_digits(r, out + n, n < len ? len - n : 0, 10);
    b->len[i] = (uint8_t)strlen(out);
}

static void numbers_random(struct bench *b, struct rig_rng *r)
{
    for (uint32_t i = 0; i < b->opt->lookups; i++) {
        const struct deck *d = b->rig.deck[rig_below(r, b->rig.n)];
        number_of_row(b, r, &d->row[rig_below(r, d->n)], i);
    }
}

/* Zipf's law, exponent 1: the row of rank k is called in proportion to 1/k; ranks are strewn over the deck. */
static void numbers_skewed(struct bench *b, struct rig_rng *r)
{
    const struct deck *d = b->rig.deck[0];
    double *sum = must(calloc(d->n, sizeof(*sum))), all = 0;

    for (uint32_t i = 0; i < d->n; i++)
        sum[i] = all += 1.0 / (i + 1.0);
    for (uint32_t i = 0; i < b->opt->lookups; i++) {
        double x = (double)(rig_next(r) >> 11) / 9007199254740992.0 * all;
        uint32_t low = 0, high = d->n - 1;
        while (low < high) {
            uint32_t mid = (low + high) / 2;
            if (sum[mid] < x)
                low = mid + 1;
            else
                high = mid;
        }
        const struct deck *of = b->rig.deck[low % b->rig.n];
        number_of_row(b, r, &of->row[(uint64_t)low * 2654435761U % of->n], i);
    }
    free(sum);
}

/* ---- measuring ----------------------------------------------------------------------------------------------- */

static uint64_t look_up(struct bench *b, int subject, uint32_t i)
{
    static const struct rate_class plain = {DECK_INDETERMINATE, CONF_ZONES_MAX};
    struct span number = {b->number[i], b->len[i]};
    struct lcr_row out[8];

    if (subject == LINE)
        return b->line[b->place[i] & b->line_mask].word[0];
    if (subject == TRIE)
        return trie_find(&b->trie, number);
    if (subject == SORTED)
        return sorted_find(&b->sorted, number);
    unsigned n = lcr_find(b->t, number, plain, RIG_NOW, UINT32_MAX, out, 8);
    return n ? out[n - 1].line + n : 0;
}

static int by_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double at_share(const struct bench *b, double share)
{
    uint32_t ticks = b->took[(size_t)(share * (b->opt->lookups - 1))];
    return ticks > b->empty ? (double)(ticks - b->empty) * b->ns_a_tick : 0;
}

/* Runs in which the memory of the lookup AHEAD further on is asked for first, as a decision does before it looks at lists and lines. */
static uint64_t measure_ahead(struct bench *b, uint32_t runs, struct figure *f)
{
    uint64_t sum = 0;

    for (uint32_t r = 0; r < runs; r++) {
        uint32_t first = r * RUN, end = first + RUN;
        uint64_t t = ticks_now();

        for (uint32_t i = first; i < end + AHEAD; i++) {
            if (i < end)
                lcr_prefetch(b->t, (struct span){b->number[i], b->len[i]});
            if (i >= first + AHEAD)
                sum += look_up(b, TABLE, i - AHEAD);
        }
        b->took[r] = (uint32_t)(ticks_now() - t);
    }
    qsort(b->took, runs, sizeof(*b->took), by_u32);
    f->ahead = (double)(b->took[runs / 2] - b->empty) * b->ns_a_tick / RUN;
    return sum;
}

static void measure_round(struct bench *b, int subject, struct figure *f)
{
    uint32_t n = b->opt->lookups, runs = n / RUN;
    uint64_t start, sum = 0;

    start = clock_now_ns();
    for (uint32_t r = 0; r < runs; r++) {
        uint64_t t = ticks_now();
        for (uint32_t i = r * RUN; i < (r + 1) * RUN; i++)
            sum += look_up(b, subject, i);
        b->took[r] = (uint32_t)(ticks_now() - t);
    }
    f->mean = (double)(clock_now_ns() - start) / (runs * RUN);
    qsort(b->took, runs, sizeof(*b->took), by_u32);
    f->ahead = 0;
    f->in_a_row = (double)(b->took[runs / 2] - b->empty) * b->ns_a_tick / RUN;
    if (subject == TABLE)
        sum += measure_ahead(b, runs, f);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t t = ticks_now();
        sum += look_up(b, subject, i);
        b->took[i] = (uint32_t)(ticks_now() - t);
    }
    b->sum += sum;
    qsort(b->took, n, sizeof(*b->took), by_u32);
    f->p50 = at_share(b, 0.5);
    f->p90 = at_share(b, 0.9);
    f->p99 = at_share(b, 0.99);
}

static void measure(struct bench *b, int subject, int pattern)
{
    struct figure *best = &b->figure[subject][pattern], f;

    for (int round = 0; round < ROUNDS; round++) {
        measure_round(b, subject, &f); /* the first one also warms what would be warm */
        if (round == 0 || f.p50 + f.in_a_row < best->p50 + best->in_a_row)
            *best = f;
    }
}

static void clock_learn(struct bench *b)
{
    uint64_t ns = clock_now_ns(), ticks = ticks_now();
    uint32_t n = 100000;

    while (clock_now_ns() - ns < 50000000)
        ;
    b->ns_a_tick = (double)(clock_now_ns() - ns) / (double)(ticks_now() - ticks);
    for (uint32_t i = 0; i < n && i < b->opt->lookups; i++) {
        uint64_t t = ticks_now();
        b->took[i] = (uint32_t)(ticks_now() - t);
    }
    n = n < b->opt->lookups ? n : b->opt->lookups;
    qsort(b->took, n, sizeof(*b->took), by_u32);
    b->empty = b->took[n / 2];
}

/* ---- one size ------------------------------------------------------------------------------------------------ */

static bool take_key(void *arg, uint64_t key)
{
    struct bench *b = arg;
    b->key[b->n_keys++] = key;
    return true;
}

static double seconds_since(uint64_t start)
{
    return (double)(clock_now_ns() - start) / 1e9;
}

/* The best of some: the machine is not ours alone. */
static void build(struct bench *b)
{
    unsigned times = b->rig.param.rows * b->rig.n > 3000000 ? 2 : 5;

    b->build_s = 1e9;
    for (unsigned i = 0; i < times; i++) {
        uint64_t start = clock_now_ns();
        lcr_free(b->t);
        b->t = must(lcr_new(b->rig.deck, b->rig.n, RIG_NOW, b->opt->threads));
        b->build_s = fmin(b->build_s, seconds_since(start));
    }
}

/* The decks as files, and their table. */
static void parse(struct bench *b)
{
    struct conf_deck conf[8];
    struct deck *deck[8];
    uint64_t start;
    double s;

    b->parse_s = 0;
    for (unsigned i = 0; i < b->rig.n; i++) {
        deck[i] = parse_deck(b->rig.deck[i], &conf[i], b->opt->threads, &s);
        if (!deck[i])
            exit(1);
        b->parse_s += s;
    }
    start = clock_now_ns();
    lcr_free(must(lcr_new(deck, b->rig.n, RIG_NOW, b->opt->threads)));
    b->load_s = b->parse_s + seconds_since(start);
    for (unsigned i = 0; i < b->rig.n; i++)
        deck_free(deck[i]);
}

static void rivals_make(struct bench *b)
{
    struct lcr_stats s;
    uint64_t start;

    lcr_stats(b->t, &s);
    b->key = must(calloc(s.keys, sizeof(*b->key)));
    if (lcr_each_key(b->t, take_key, b) < 0)
        must(NULL);
    start = clock_now_ns();
    trie_make(&b->trie, b->key, b->n_keys);
    b->trie_s = seconds_since(start);
    start = clock_now_ns();
    sorted_make(&b->sorted, b->key, b->n_keys);
    b->sorted_s = seconds_since(start);
}

static void report_json(struct bench *b, FILE *f, bool first)
{
    struct lcr_stats s;

    lcr_stats(b->t, &s);
    fprintf(
        f,
        "%s\n  {\"rows\": %llu, \"candidates\": %u, \"keys\": %llu, \"lists\": %llu, \"threads\": %u, "
        "\"shape\": \"%s\", \"lookups\": %u, \"build_s\": %.4f, \"parse_s\": %.4f, \"parse_and_build_s\": %.4f, \"bytes\": %llu, \"bytes_a_row\": %.2f",
        first ? "" : ",", (unsigned long long)s.rows, b->rig.n, (unsigned long long)s.keys,
        (unsigned long long)s.lists, b->opt->threads, b->opt->uniform ? "uniform" : "az",
        b->opt->lookups, b->build_s, b->parse_s, b->load_s, (unsigned long long)s.bytes,
        (double)s.bytes / (double)s.rows);
    if (b->opt->rivals)
        fprintf(
            f,
            ", \"trie_build_s\": %.4f, \"trie_bytes\": %llu, \"sorted_build_s\": %.4f, \"sorted_bytes\": %llu",
            b->trie_s, (unsigned long long)trie_bytes(&b->trie), b->sorted_s,
            (unsigned long long)sorted_bytes(&b->sorted));
    for (int i = 0; i < (b->opt->rivals ? SUBJECTS : TRIE); i++)
        for (int p = 0; p < PATTERNS; p++) {
            const struct figure *g = &b->figure[i][p];
            fprintf(
                f,
                ",\n   \"%s, %s\": {\"p50_ns\": %.1f, \"p90_ns\": %.1f, \"p99_ns\": %.1f, \"run_of_16_ns\": %.1f, \"fetched_ahead_ns\": %.1f, \"mean_ns\": %.1f}",
                subject_name[i], pattern_name[p], g->p50, g->p90, g->p99, g->in_a_row, g->ahead,
                g->mean);
        }
    fprintf(f, "}");
}

static void report(struct bench *b)
{
    struct lcr_stats s;
    double bytes[SUBJECTS] = {0}, built[SUBJECTS] = {b->build_s, 0, b->trie_s, b->sorted_s};

    lcr_stats(b->t, &s);
    bytes[TABLE] = (double)s.bytes;
    if (b->opt->rivals) {
        bytes[TRIE] = (double)trie_bytes(&b->trie);
        bytes[SORTED] = (double)sorted_bytes(&b->sorted);
    }
    printf("\n%llu rows in %u decks, %llu keys: parse %.3f s, parse and build %.3f s\n",
           (unsigned long long)s.rows, b->rig.n, (unsigned long long)s.keys, b->parse_s, b->load_s);
    printf("%-20s %7s %6s | %35s | %35s\n", "", "build", "B a", "random: in a row, alone",
           "skewed: in a row, alone");
    printf("%-20s %7s %6s | %8s %8s %8s %8s | %8s %8s %8s %8s\n", "", "s", "row", "p50", "p50",
           "p90", "p99", "p50", "p50", "p90", "p99");
    for (int i = 0; i < (b->opt->rivals ? SUBJECTS : TRIE); i++) {
        printf("%-20s %7.3f %6.1f", subject_name[i], built[i], bytes[i] / (double)s.rows);
        for (int p = 0; p < (i == LINE ? 1 : PATTERNS); p++) {
            const struct figure *f = &b->figure[i][p];
            printf(" | %8.0f %8.0f %8.0f %8.0f", f->in_a_row, f->p50, f->p90, f->p99);
        }
        printf("\n");
    }
    printf("table, asked for %d lookups ahead: random %.0f, skewed %.0f\n", AHEAD,
           b->figure[TABLE][RANDOM].ahead, b->figure[TABLE][SKEWED].ahead);
    fflush(stdout);
}

/* As much memory as the table, about, and places in it at random. */
static void lines_make(struct bench *b, struct rig_rng *r)
{
    struct lcr_stats s;
    uint32_t n = 1024;

    lcr_stats(b->t, &s);
    while (n * sizeof(*b->line) * 2 <= s.bytes)
        n *= 2;
    b->line_mask = n - 1;
    b->line = must(lcr_map(n * sizeof(*b->line)));
    memset(b->line, 1, n * sizeof(*b->line));
    b->place = must(calloc(b->opt->lookups, sizeof(*b->place)));
    for (uint32_t i = 0; i < b->opt->lookups; i++)
        b->place[i] = (uint32_t)rig_next(r);
}

static FILE *dump_file(const struct option_set *o, const char *name)
{
    char path[512];
    FILE *f = NULL;

    if (snprintf(path, sizeof(path), "%s.%s", o->dump, name) < (int)sizeof(path))
        f = fopen(path, "w");
    if (!f) {
        perror(o->dump);
        exit(1);
    }
    return f;
}

/* A prefix or number a line. */
static void dump_rows(const struct bench *b)
{
    FILE *f = dump_file(b->opt, "rows");
    const struct deck *d = b->rig.deck[0];
    char text[KEY_DIGITS + 1];

    for (uint32_t i = 0; i < d->n; i++)
        fprintf(f, "%s\n", key_text(d->row[i].key, text));
    fclose(f);
}

static void dump_numbers(const struct bench *b, int pattern)
{
    FILE *f = dump_file(b->opt, pattern_name[pattern]);

    for (uint32_t i = 0; i < b->opt->lookups; i++)
        fprintf(f, "%s\n", b->number[i]);
    fclose(f);
}

static void run(const struct option_set *opt, uint32_t rows, unsigned candidates, bool first)
{
    struct bench b = {.opt = opt};
    struct rig_param p = {
        .shape = opt->uniform ? RIG_UNIFORM : RIG_AZ,
        .rows = rows / candidates,
        .decks = candidates,
        .seed = opt->seed,
        .terms = 500,
    };
    struct rig_rng r = {opt->seed + 7};

    rig_make(&b.rig, &p);
    b.number = must(calloc(opt->lookups, sizeof(*b.number)));
    b.len = must(calloc(opt->lookups, sizeof(*b.len)));
    b.took = must(calloc(opt->lookups, sizeof(*b.took)));
    clock_learn(&b);
    build(&b);
    parse(&b);
    if (opt->rivals)
        rivals_make(&b);
    lines_make(&b, &r);
    if (opt->dump)
        dump_rows(&b);
    for (int pattern = 0; pattern < PATTERNS; pattern++) {
        if (pattern == RANDOM)
            numbers_random(&b, &r);
        else
            numbers_skewed(&b, &r);
        if (opt->dump)
            dump_numbers(&b, pattern);
        for (int subject = 0; subject < (opt->rivals ? SUBJECTS : TRIE); subject++)
            if (subject != LINE || pattern == RANDOM)
                measure(&b, subject, pattern);
    }
    report(&b);
    lcr_unmap(b.line, ((size_t)b.line_mask + 1) * sizeof(*b.line));
    free(b.place);
    if (opt->json)
        report_json(&b, opt->json, first);
    if (opt->rivals) {
        trie_free(&b.trie);
        sorted_free(&b.sorted);
        free(b.key);
    }
    lcr_free(b.t);
    rig_free(&b.rig);
    free(b.number);
    free(b.len);
    free(b.took);
}

/* ---- verifying ----------------------------------------------------------------------------------------------- */

/* What is compared: lookups are shared out among threads, each with numbers of its own. */
static const struct check {
    const char *what;
    struct rig_param p;
    unsigned long searches, scans;
} checks[] = {
    {"one deck of a million",
     {.shape = RIG_AZ, .rows = 1000000, .decks = 1, .terms = 500},
     3000000,
     16},
    {"one uniform deck",
     {.shape = RIG_UNIFORM, .rows = 500000, .decks = 1, .terms = 500},
     1000000,
     32},
    {"one dense deck",
     {.shape = RIG_DENSE, .rows = 100000, .decks = 1, .terms = 500},
     1000000,
     200},
    {"three decks",
     {.shape = RIG_AZ, .rows = 100000, .decks = 3, .terms = 500, .no_rate_percent = 3},
     1500000,
     100},
    {"eight decks",
     {.shape = RIG_AZ, .rows = 30000, .decks = 8, .terms = 300, .no_rate_percent = 3},
     500000,
     150},
    {"rate classes, four decks",
     {.shape = RIG_AZ,
      .rows = 30000,
      .decks = 4,
      .terms = 300,
      .jurisdiction = true,
      .zone = true,
      .no_rate_percent = 20},
     1000000,
     300},
    {"rate classes, eight dense decks",
     {.shape = RIG_DENSE,
      .rows = 10000,
      .decks = 8,
      .terms = 300,
      .jurisdiction = true,
      .zone = true,
      .no_rate_percent = 20},
     500000,
     600},
    {"versions, two decks",
     {.shape = RIG_AZ, .rows = 50000, .decks = 2, .terms = 300, .timed_percent = 40},
     500000,
     300},
    {"versions, six dense decks",
     {.shape = RIG_DENSE,
      .rows = 10000,
      .decks = 6,
      .terms = 300,
      .timed_percent = 60,
      .no_rate_percent = 5},
     500000,
     800},
    {"versions and classes, five decks",
     {.shape = RIG_UNIFORM,
      .rows = 10000,
      .decks = 5,
      .terms = 300,
      .timed_percent = 30,
      .zone = true,
      .jurisdiction = true},
     500000,
     1500},
    {"short decks, one to a few rows",
     {.shape = RIG_DENSE, .rows = 300, .decks = 7, .terms = 30, .timed_percent = 20, .zone = true},
     500000,
     8000},
};

#define VERIFY_PARTS 16

struct verify {
    const struct rig *rig;
    const struct lcr *t;
    const struct check *check;
    uint64_t seed;
    atomic_ulong wrong, done;
};

static void verify_part(void *arg, unsigned part)
{
    struct verify *v = arg;
    unsigned long searches = (v->check->searches + VERIFY_PARTS - 1) / VERIFY_PARTS;
    unsigned long scans = (v->check->scans + VERIFY_PARTS - 1) / VERIFY_PARTS, wrong;

    wrong = rig_compare(v->rig, v->t, rig_search, searches, v->seed + part * 2);
    wrong += rig_compare(v->rig, v->t, rig_scan, scans, v->seed + part * 2 + 1);
    atomic_fetch_add(&v->wrong, wrong);
    atomic_fetch_add(&v->done, searches);
}

static int verify(const struct option_set *opt)
{
    unsigned long searches = 0, scans = 0;
    unsigned passed = 0, failed = 0;

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        struct rig rig;
        struct rig_param p = checks[i].p;
        uint64_t start = clock_now_ns();
        p.seed = opt->seed + i;
        rig_make(&rig, &p);
        struct lcr *t = must(lcr_new(rig.deck, rig.n, INT64_MIN, opt->threads));
        struct verify v = {
            .rig = &rig, .t = t, .check = &checks[i], .seed = opt->seed * 1000 + i * 50};
        parallel_run(verify_part, &v, VERIFY_PARTS, opt->threads);
        printf("%-34s %8lu lookups, %5lu scans: %lu differ, %.1f s\n", checks[i].what, v.done,
               checks[i].scans, v.wrong, seconds_since(start));
        fflush(stdout);
        searches += v.done;
        scans += checks[i].scans;
        passed += v.wrong == 0;
        failed += v.wrong != 0;
        lcr_free(t);
        rig_free(&rig);
    }
    printf("%lu lookups compared with a binary search a length, %lu with a linear scan\n", searches,
           scans);
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? 1 : 0;
}

/* ---- options ------------------------------------------------------------------------------------------------- */

static unsigned list_of(const char *text, uint32_t out[LIST_MAX], uint32_t max)
{
    unsigned n = 0;

    while (n < LIST_MAX) {
        char *end;
        unsigned long x = strtoul(text, &end, 10);
        if (end == text || x < 1 || x > max || (*end && *end != ','))
            return 0;
        out[n++] = (uint32_t)x;
        if (!*end)
            return n;
        text = end + 1;
    }
    return 0;
}

static int usage(void)
{
    fprintf(
        stderr,
        "usage: route [--rows N,…] [--candidates N,…] [--lookups N] [--seed N] [--threads N] [--uniform]\n"
        "             [--no-rivals] [--json FILE] [--dump PATH]\n"
        "       route --verify [--seed N] [--threads N]\n");
    return 2;
}

static int options(int argc, char **argv, struct option_set *o)
{
    static const struct option known[] = {
        {"rows", 1, NULL, 'r'},   {"candidates", 1, NULL, 'c'}, {"lookups", 1, NULL, 'l'},
        {"seed", 1, NULL, 's'},   {"threads", 1, NULL, 't'},    {"uniform", 0, NULL, 'u'},
        {"verify", 0, NULL, 'v'}, {"json", 1, NULL, 'j'},       {"no-rivals", 0, NULL, 'n'},
        {"dump", 1, NULL, 'd'},   {NULL, 0, NULL, 0},
    };
    uint32_t one[LIST_MAX];
    int c;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
        switch (c) {
        case 'r':
            if ((o->n_rows = list_of(optarg, o->rows, CONF_ROWS_MAX)) == 0)
                return -1;
            break;
        case 'c':
            if ((o->n_candidates = list_of(optarg, o->candidates, 8)) == 0)
                return -1;
            break;
        case 'l':
        case 's':
        case 't':
            if (list_of(optarg, one, c == 't' ? PARALLEL_THREADS_MAX : 100000000) != 1)
                return -1;
            if (c == 'l')
                o->lookups = one[0];
            else if (c == 's')
                o->seed = one[0];
            else
                o->threads = one[0];
            break;
        case 'd': o->dump = optarg; break;
        case 'u': o->uniform = true; break;
        case 'v': o->verify = true; break;
        case 'n': o->rivals = false; break;
        case 'j':
            o->json = fopen(optarg, "w");
            if (!o->json) {
                perror(optarg);
                return -1;
            }
            break;
        default: return -1;
        }
    return optind == argc ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct option_set o = {
        .rows = {100000, 1000000, 10000000},
        .n_rows = 3,
        .candidates = {1, 2, 4, 8},
        .n_candidates = 4,
        .lookups = 1000000,
        .seed = 1,
        .threads = parallel_threads(),
        .rivals = true,
    };
    bool first = true;

    if (options(argc, argv, &o) < 0)
        return usage();
    if (o.verify)
        return verify(&o);
    printf(
        "Built by %u threads. Nanoseconds a lookup: in a row (the median of runs of 16), and alone (between two fences, less an empty\n"
        "pair); %u lookups, the quietest of %d rounds. Skewed: zipf, exponent 1. A trie and an array find the key only.\n",
        o.threads, o.lookups, ROUNDS);
    if (o.json)
        fprintf(o.json, "[");
    for (unsigned i = 0; i < o.n_rows; i++)
        for (unsigned k = 0; k < o.n_candidates; k++) {
            run(&o, o.rows[i], o.candidates[k], first);
            first = false;
        }
    if (o.json) {
        fprintf(o.json, "\n]\n");
        fclose(o.json);
    }
    return 0;
}
