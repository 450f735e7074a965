/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration in files: includes, what is shipped, and that the reference names every keyword.
 * Needs TD_SRCDIR (make check sets it) for the latter two.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <ftw.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/schema.h"
#include "config_load.h"

struct place {
    char dir[64];
};

static int set_up(void **state)
{
    struct place *at = calloc(1, sizeof(*at));

    snprintf(at->dir, sizeof(at->dir), "/tmp/test_config.XXXXXX");
    *state = at;
    return mkdtemp(at->dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    struct place *at = *state;

    nftw(at->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(at);
    return 0;
}

static void put(const struct place *at, const char *name, const char *text)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", at->dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void make_dir(const struct place *at, const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", at->dir, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

/* Load DIR/main.conf; *messages has DIR replaced by nothing. */
static struct conf *load_main(const struct place *at, char **messages)
{
    struct conf_errors errs;
    struct conf *conf;
    char path[256], *text, *in, *out;
    size_t size, len;
    FILE *f = open_memstream(&text, &size);

    len = (size_t)snprintf(path, sizeof(path), "%s/", at->dir);
    snprintf(path + len, sizeof(path) - len, "main.conf");
    conf = conf_load(path, &config_env, &errs);
    conf_print_errors(f, &errs);
    fclose(f);
    conf_errors_fini(&errs);
    for (in = out = text; *in;) {
        if (strncmp(in, path, len) == 0)
            in += len;
        else
            *out++ = *in++;
    }
    *out = '\0';
    *messages = text;
    return conf;
}

static void files_are_included_in_the_order_of_their_names(void **state)
{
    static const char *const files[] = {"main.conf", "a.d/10.conf", "a.d/9.conf", "a.d/b.conf"};
    const struct place *at = *state;
    struct conf *conf;
    char *messages;
    size_t i;

    make_dir(at, "a.d");
    put(at, "a.d/b.conf", CONFIG_ROUTE);
    put(at, "a.d/9.conf", CONFIG_OUT);
    put(at, "a.d/10.conf", CONFIG_IN);
    put(at, "a.d/x.conf~", "bogus\n");
    put(at, "main.conf", "global\n include a.d/*.conf\n node n1\n" CONFIG_NET);
    conf = load_main(at, &messages);
    assert_string_equal(messages, "");
    assert_non_null(conf);
    assert_string_equal(conf->global.node, "n1");
    assert_int_equal(conf->file.n, 4);
    for (i = 0; i < 4; i++)
        assert_string_equal(conf->file.v[i] + strlen(at->dir) + 1, files[i]);
    assert_string_equal(conf_loc_file(conf, &conf->route.v[0].loc), conf->file.v[3]);
    conf_free(conf);
    free(messages);
}

static void a_pattern_that_names_its_own_file_does_not_read_it_again(void **state)
{
    const struct place *at = *state;
    struct conf *conf;
    char *messages;

    put(at, "main.conf", "global\n include *.conf\n" CONFIG_NET CONFIG_IN CONFIG_ROUTE);
    put(at, "other.conf", CONFIG_OUT);
    conf = load_main(at, &messages);
    assert_string_equal(messages, "");
    assert_int_equal(conf->file.n, 2);
    conf_free(conf);
    free(messages);
}

static void include_of_what_is_not_there_or_no_file_is_told_at_its_place(void **state)
{
    const struct place *at = *state;
    char *messages;

    make_dir(at, "dir");
    put(at, "main.conf", "global\n include nothing.conf dir main.conf\n include none.d/*.conf\n");
    assert_null(load_main(at, &messages));
    assert_string_equal(messages, "main.conf:2:10: error: nothing.conf: No such file or directory\n"
                                  "    2 |  include nothing.conf dir main.conf\n"
                                  "      |          ^^^^^^^^^^^^\n"
                                  "main.conf:2:23: error: dir: not a regular file\n"
                                  "    2 |  include nothing.conf dir main.conf\n"
                                  "      |                       ^^^\n"
                                  "main.conf:2:27: error: main.conf: file is read already\n"
                                  "    2 |  include nothing.conf dir main.conf\n"
                                  "      |                           ^^^^^^^^^\n"
                                  "main.conf:3:10: warning: 'none.d/*.conf' matches no file\n"
                                  "    3 |  include none.d/*.conf\n"
                                  "      |          ^^^^^^^^^^^^^\n");
    free(messages);
}

static void errors_of_included_files_name_them(void **state)
{
    const struct place *at = *state;
    char *messages;

    put(at, "main.conf", "global\n include b.inc a.inc\nbogus\n");
    put(at, "a.inc", "\nglobal\n");
    put(at, "b.inc", "trunk x\n latch\n");
    assert_null(load_main(at, &messages));
    assert_string_equal(messages,
                        "main.conf:3:1: error: unknown section 'bogus'\n"
                        "    3 | bogus\n"
                        "      | ^^^^^\n"
                        "b.inc:2:7: error: value missing: latch learn-once|sdp-only|follow\n"
                        "    2 |  latch\n"
                        "      |       ^\n"
                        "a.inc:2:1: error: second section 'global'; the first is at main.conf:1\n"
                        "    2 | global\n"
                        "      | ^^^^^^\n");
    free(messages);
}

static void a_section_does_not_go_on_in_the_next_file(void **state)
{
    const struct place *at = *state;
    char *messages;

    put(at, "main.conf", "global\n include a.inc b.inc\n");
    put(at, "a.inc", "customer c\n");
    put(at, "b.inc", " account x\n");
    assert_null(load_main(at, &messages));
    assert_non_null(strstr(messages, "b.inc:1:2: error: line belongs to no section"));
    free(messages);
}

static void ten_thousand_trunks_load(void **state)
{
    const struct place *at = *state;
    struct conf *conf;
    char *messages, path[256];
    FILE *f;
    int i;

    snprintf(path, sizeof(path), "%s/main.conf", at->dir);
    f = fopen(path, "w");
    fputs(CONFIG_NET "profile p\n listen sip\n routes all\n", f);
    for (i = 0; i < 10000; i++)
        fprintf(f, "trunk t%d\n from p\n peer 10.%d.%d.%d udp\n", i, i >> 16, i >> 8 & 255,
                i & 255);
    fputs("route all\n default via t9999 then t0\n", f);
    fclose(f);
    conf = load_main(at, &messages);
    assert_string_equal(messages, "");
    assert_int_equal(conf->trunk.n, 10000);
    assert_int_equal(conf->route.v[0].line.v[0].via.v[0].ref.id, 9999);
    conf_free(conf);
    free(messages);
}

/* ---- files of certificates and secrets ---- */

/* A trunk whose auth line ends so, with DIR for %s; the messages without DIR. */
static struct conf *load_with_secret(const struct place *at, const char *where, char **messages)
{
    char text[1024];

    snprintf(text, sizeof(text),
             CONFIG_NET CONFIG_IN "trunk out\n listen sip\n peer 203.0.113.1 udp\n"
                                  " auth u %s%s%s\n" CONFIG_ROUTE,
             where[0] == '/' ? "file:" : "", where[0] == '/' ? at->dir : "", where);
    put(at, "main.conf", text);
    return load_main(at, messages);
}

static void put_mode(const struct place *at, const char *name, const char *text, mode_t mode)
{
    char path[256];

    put(at, name, text);
    snprintf(path, sizeof(path), "%s/%s", at->dir, name);
    assert_int_equal(chmod(path, mode), 0);
}

static void a_secret_is_a_line_of_its_file(void **state)
{
    static const char *const texts[] = {"sesame", "sesame\n", "sesame\r\n"};
    const struct place *at = *state;
    struct conf *conf;
    char *messages;
    size_t i;

    for (i = 0; i < 3; i++) {
        put_mode(at, "s", texts[i], 0600);
        conf = load_with_secret(at, "/s", &messages);
        assert_string_equal(messages, "");
        assert_string_equal(conf_find_trunk(conf, "out")->auth.secret, "sesame");
        conf_free(conf);
        free(messages);
    }
}

static void a_secret_that_all_can_read_is_a_warning_without_the_secret(void **state)
{
    const struct place *at = *state;
    struct conf *conf;
    char *messages;

    put_mode(at, "s", "sesame\n", 0644);
    conf = load_with_secret(at, "/s", &messages);
    assert_non_null(conf);
    assert_non_null(strstr(messages, "s: every user of this machine can read it"));
    assert_null(strstr(messages, "sesame"));
    conf_free(conf);
    free(messages);
}

static void a_secret_that_cannot_be_one_is_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } table[] = {
        {"", "the secret is empty"},
        {"\n", "the secret is empty"},
        {"a\nb\n", "a secret is one line of text"},
        {NULL, "No such file or directory"},
    };
    const struct place *at = *state;
    char *messages, longest[1200];
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].text)
            put_mode(at, "s", table[i].text, 0600);
        assert_null(load_with_secret(at, table[i].text ? "/s" : "/none", &messages));
        assert_non_null(strstr(messages, table[i].says));
        free(messages);
    }
    memset(longest, 'x', sizeof(longest));
    longest[1025] = '\0';
    put_mode(at, "s", longest, 0600);
    assert_null(load_with_secret(at, "/s", &messages));
    assert_non_null(strstr(messages, "a secret has 1,024 bytes at most"));
    free(messages);
    longest[1024] = '\n';
    put_mode(at, "s", longest, 0600);
    conf_free(load_with_secret(at, "/s", &messages));
    assert_string_equal(messages, "");
    free(messages);
    make_dir(at, "d");
    assert_null(load_with_secret(at, "/d", &messages));
    assert_non_null(strstr(messages, "not a regular file"));
    free(messages);
}

static void a_relative_path_begins_in_the_folder_of_its_file(void **state)
{
    const struct place *at = *state;
    char *messages, want[512];
    struct conf *conf;

    make_dir(at, "conf.d");
    put(at, "main.conf",
        "global\n include conf.d/*.conf\n states states.csv\n" CONFIG_NET CONFIG_IN CONFIG_OUT
        " caller-allow /etc/dids.txt\n");
    put(at, "conf.d/r.conf",
        "ratedeck az trunk out\n file rates/az.csv\n columns prefix rate inter intra\n"
        "route all\n block prefix-file irsf.txt\n default lcr az\n");
    conf = load_main(at, &messages);
    assert_string_equal(messages, "");
    assert_non_null(conf);
    snprintf(want, sizeof(want), "%s/states.csv", at->dir);
    assert_string_equal(conf->global.states, want);
    snprintf(want, sizeof(want), "%s/conf.d/rates/az.csv", at->dir);
    assert_string_equal(conf->deck.v[0].file, want);
    snprintf(want, sizeof(want), "%s/conf.d/irsf.txt", at->dir);
    assert_string_equal(conf->route.v[0].block.v[0].file, want);
    assert_string_equal(conf_find_trunk(conf, "out")->caller.allow_file, "/etc/dids.txt");
    conf_free(conf);
    free(messages);
}

static void a_path_that_climbs_is_shown_without_detours(void **state)
{
    const struct place *at = *state;
    char *messages, want[512], link[512], target[512];
    struct conf *conf;

    make_dir(at, "conf.d");
    make_dir(at, "conf.d/trunks");
    make_dir(at, "elsewhere");
    make_dir(at, "elsewhere/trunks");
    snprintf(target, sizeof(target), "%s/elsewhere/trunks", at->dir);
    snprintf(link, sizeof(link), "%s/conf.d/linked", at->dir);
    assert_int_equal(symlink(target, link), 0);
    put(at, "elsewhere/b.csv", "1,0.01\n");
    put(at, "main.conf",
        "global\n include conf.d/trunks/a.conf\n include conf.d/linked/b.conf\n" CONFIG_NET
            CONFIG_IN CONFIG_OUT "route all\n default lcr a b\n");
    put(at, "conf.d/trunks/a.conf",
        "ratedeck a trunk out\n file ./../../lists/a.csv\n columns prefix rate\n");
    put(at, "elsewhere/trunks/b.conf",
        "ratedeck b trunk out\n file ../b.csv\n columns prefix rate\n");
    conf = load_main(at, &messages);
    assert_string_equal(messages, "");
    assert_non_null(conf);
    snprintf(want, sizeof(want), "%s/lists/a.csv", at->dir);
    assert_string_equal(conf->deck.v[0].file, want);
    /* behind a link `..` is another folder than it looks */
    snprintf(want, sizeof(want), "%s/conf.d/linked/../b.csv", at->dir);
    assert_string_equal(conf->deck.v[1].file, want);
    conf_free(conf);
    free(messages);
    assert_int_equal(unlink(link), 0);
}

static void a_credential_is_read_from_the_directory_of_systemd(void **state)
{
    const struct place *at = *state;
    struct conf_env env = config_env;
    struct conf_errors errs;
    struct conf *conf;
    char *messages, path[256];

    put_mode(at, "alpha", "sesame\n", 0600);
    assert_null(load_with_secret(at, "cred:alpha", &messages));
    assert_non_null(strstr(messages, "systemd has given no credentials"));
    free(messages);
    env.credentials = at->dir;
    snprintf(path, sizeof(path), "%s/main.conf", at->dir);
    conf = conf_load(path, &env, &errs);
    assert_non_null(conf);
    assert_string_equal(conf_find_trunk(conf, "out")->auth.secret, "sesame");
    conf_free(conf);
    conf_errors_fini(&errs);
}

static void certificates_must_be_there(void **state)
{
    const struct place *at = *state;
    char text[2048], *messages;
    struct conf *conf;

    put(at, "c.pem", "x");
    snprintf(text, sizeof(text),
             CONFIG_NET " # \n" CONFIG_IN CONFIG_OUT CONFIG_ROUTE
                        "listen tls\n realm lan\n tls 192.0.2.1:5061 cert %s/c.pem\n"
                        "trunk t\n listen tls\n accept 198.18.0.0/15\n routes all\n",
             at->dir);
    put(at, "main.conf", text);
    conf = load_main(at, &messages);
    assert_string_equal(messages, "");
    conf_free(conf);
    free(messages);
    put(at, "main.conf",
        CONFIG_NET CONFIG_IN CONFIG_OUT CONFIG_ROUTE
        "listen tls\n realm lan\n tls 192.0.2.1:5061 cert /nonexistent/c key /nonexistent/k"
        " ca /nonexistent/a\n"
        "trunk t\n listen tls\n accept 198.18.0.0/15\n routes all\n");
    assert_null(load_main(at, &messages));
    assert_non_null(strstr(messages, "/nonexistent/c: No such file or directory"));
    assert_non_null(strstr(messages, "/nonexistent/k: No such file or directory"));
    assert_non_null(strstr(messages, "/nonexistent/a: No such file or directory"));
    free(messages);
}

/* ---- what is shipped ---- */

/* An example that names certificates and secrets of a machine that is not this one: read as a text. */
static void load_shipped_text(const char *name)
{
    struct conf_env env = config_env;
    struct conf *conf;
    char path[512], *text = calloc(1, 65536), *messages;
    FILE *f;

    env.secrets_are_names = true;
    snprintf(path, sizeof(path), "%s/%s", getenv("TD_SRCDIR"), name);
    f = fopen(path, "r");
    assert_non_null(f);
    assert_true(fread(text, 1, 65535, f) > 0);
    fclose(f);
    conf = config_load_env(text, &env, &messages);
    assert_string_equal(messages, "");
    assert_non_null(conf);
    conf_free(conf);
    free(messages);
    free(text);
}

static void load_shipped(const char *name)
{
    struct conf_errors errs;
    struct conf *conf;
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", getenv("TD_SRCDIR"), name);
    conf = conf_load(path, &config_env, &errs);
    conf_print_errors(stderr, &errs);
    assert_non_null(conf);
    assert_int_equal(errs.warnings, 0);
    conf_free(conf);
    conf_errors_fini(&errs);
}

/* Those of a pattern. carrier.conf names certificates and secrets that only its operator has. */
static void load_examples(const char *pattern)
{
    size_t root = strlen(getenv("TD_SRCDIR")) + 1, i;
    glob_t g = {.gl_pathc = 0};
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", getenv("TD_SRCDIR"), pattern);
    if (glob(path, 0, NULL, &g) != 0)
        return;
    for (i = 0; i < g.gl_pathc; i++) {
        if (strstr(g.gl_pathv[i], "/carrier.conf"))
            load_shipped_text(g.gl_pathv[i] + root);
        else
            load_shipped(g.gl_pathv[i] + root);
    }
    globfree(&g);
}

static void shipped_configurations_are_free_of_errors_and_warnings(void **state)
{
    (void)state;
    if (!getenv("TD_SRCDIR")) {
        print_message("skipped: TD_SRCDIR does not say where the source is\n");
        skip();
    }
    load_shipped("conf/tandem.conf");
    load_examples("conf/examples/*.conf");
    load_examples("conf/examples/*/tandem.conf");
}

static char *read_reference(void)
{
    char path[512], *text = calloc(1, 200000);
    FILE *f;

    snprintf(path, sizeof(path), "%s/docs/tandem.conf.md", getenv("TD_SRCDIR"));
    f = fopen(path, "r");
    assert_non_null(f);
    assert_true(fread(text, 1, 199999, f) > 0);
    fclose(f);
    return text;
}

/* The reference has "## SECTION" for each kind and "`KEYWORD" at the start of a table row for each keyword. */
static void the_reference_has_every_section_and_keyword(void **state)
{
    char *text, want[128], *section, *end;
    uint32_t i, j;

    (void)state;
    if (!getenv("TD_SRCDIR")) {
        print_message("skipped: TD_SRCDIR does not say where the source is\n");
        skip();
    }
    text = read_reference();
    for (i = 0; parse_sections[i]; i++) {
        const struct section *s = parse_sections[i];

        if (s == &section_profile)
            continue; /* with trunk */
        snprintf(want, sizeof(want), "\n## %s", s->word);
        section = strstr(text, want);
        if (!section)
            fail_msg("no section '%s' in the reference", s->word);
        end = strstr(section + 1, "\n## ");
        for (j = 0; j < s->n_kw; j++) {
            const char *found;

            snprintf(want, sizeof(want), "\n| `%s%s%s", s->kw[j].word, s->kw[j].sub ? " " : "",
                     s->kw[j].sub ? s->kw[j].sub : "");
            found = strstr(section, want);
            if (!found || (end && found > end))
                fail_msg("no row '%s' in section '%s' of the reference", want + 1, s->word);
        }
    }
    free(text);
}

/* Manual page, syntax files and completion are made of the tables. */
static void check_help(const struct keyword *kw)
{
    char want[64];

    snprintf(want, sizeof(want), "%s%s%s", kw->word, kw->sub ? " " : "", kw->sub ? kw->sub : "");
    if (!kw->syntax || strncmp(kw->syntax, want, strlen(want)) != 0)
        fail_msg("the syntax of '%s' does not begin so", want);
    if (!kw->help || strlen(kw->help) < 5 || strlen(kw->help) > 80 ||
        kw->help[strlen(kw->help) - 1] == '.')
        fail_msg("the help of '%s' is not one short sentence without its full stop", want);
}

static void every_keyword_of_the_tables_has_its_syntax_and_help(void **state)
{
    uint32_t i, j;

    (void)state;
    for (i = 0; parse_sections[i]; i++) {
        const struct section *s = parse_sections[i];

        assert_non_null(s->help);
        assert_int_equal(strncmp(s->syntax, s->word, strlen(s->word)), 0);
        assert_true(s->n_kw > 0 || s->line_kw);
        for (j = 0; j < s->n_kw; j++)
            check_help(&s->kw[j]);
    }
    for (i = 0; schema_clause(i); i++)
        check_help(schema_clause(i));
}

/* What the examples of the reference name and do not show. */
static const char around[] =
    CONFIG_NET "trunk alpha\n listen sip\n peer 203.0.113.1 udp\n"
               "trunk bravo\n listen sip\n peer 203.0.113.2 udp\n"
               "trunk charlie\n listen sip\n peer 203.0.113.3 udp\n"
               "trunk cust-acme\n listen sip\n accept 198.51.100.0/24\n customer acme\n"
               "ratedeck retail-usd\n file r.csv\n columns prefix rate\n"
               "ratedeck bravo-az trunk bravo\n file b.csv\n columns prefix rate quality\n"
               "ratedeck charlie-us trunk charlie\n file c.csv\n columns prefix rate\n only +1\n";

static bool begins_a_section(const char *block)
{
    size_t i;

    for (i = 0; parse_sections[i]; i++) {
        size_t len = strlen(parse_sections[i]->word);

        if (strncmp(block, parse_sections[i]->word, len) == 0 && block[len] == ' ')
            return true;
    }
    return false;
}

static void the_examples_of_the_reference_load_together(void **state)
{
    char *text, *at, *end, *all = calloc(1, 100000), *messages;
    struct conf *conf;
    int n = 0;

    (void)state;
    if (!getenv("TD_SRCDIR")) {
        print_message("skipped: TD_SRCDIR does not say where the source is\n");
        free(all);
        skip();
    }
    text = read_reference();
    *strstr(text, "\n## Wrong ones") = '\0';
    memcpy(all, around, sizeof(around));
    for (at = strstr(text, "\n```\n"); at; at = strstr(end + 5, "\n```\n")) {
        at += 5;
        end = strstr(at, "\n```\n");
        assert_non_null(end);
        if (!begins_a_section(at))
            continue;
        strncat(all, at, (size_t)(end + 1 - at));
        n++;
    }
    conf = config_load(all, &messages);
    assert_string_equal(messages, "");
    assert_non_null(conf);
    assert_true(n >= 8);
    conf_free(conf);
    free(messages);
    free(text);
    free(all);
}

#define FILES(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILES(files_are_included_in_the_order_of_their_names),
        FILES(a_pattern_that_names_its_own_file_does_not_read_it_again),
        FILES(include_of_what_is_not_there_or_no_file_is_told_at_its_place),
        FILES(errors_of_included_files_name_them),
        FILES(a_section_does_not_go_on_in_the_next_file),
        FILES(ten_thousand_trunks_load),
        FILES(a_secret_is_a_line_of_its_file),
        FILES(a_secret_that_all_can_read_is_a_warning_without_the_secret),
        FILES(a_secret_that_cannot_be_one_is_refused),
        FILES(a_relative_path_begins_in_the_folder_of_its_file),
        FILES(a_path_that_climbs_is_shown_without_detours),
        FILES(a_credential_is_read_from_the_directory_of_systemd),
        FILES(certificates_must_be_there),
        cmocka_unit_test(shipped_configurations_are_free_of_errors_and_warnings),
        cmocka_unit_test(the_reference_has_every_section_and_keyword),
        cmocka_unit_test(every_keyword_of_the_tables_has_its_syntax_and_help),
        cmocka_unit_test(the_examples_of_the_reference_load_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
