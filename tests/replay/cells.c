/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which cells of the bridge table the cases have visited, read from the bridge's own debug lines.
 * replay.c feeds it and asks for the report; `cell` of a case asks for one.
 */
#include "replay.h"

#include "call/bridge.h"

#include <string.h>

/*
 * What a peer can bring about. The other cells are handled or ignored all the same (the network is hostile), but no
 * sequence of messages and timers leads there: an answered or ended in leg never meets an out leg that still rings.
 */
static const bool reachable[LEG_STATES][BR_EVENTS] = {
    [LEG_NEW] = {[BR_CANCEL] = true, [BR_REQUEST] = true, [BR_BYE] = true},
    [LEG_TRYING] = {[BR_PROGRESS] = true,
                    [BR_PROGRESS_SDP] = true,
                    [BR_ANSWER] = true,
                    [BR_FAIL] = true,
                    [BR_CANCEL] = true,
                    [BR_REQUEST] = true,
                    [BR_BYE] = true},
    [LEG_RINGING] = {[BR_PROGRESS] = true,
                     [BR_PROGRESS_SDP] = true,
                     [BR_ANSWER] = true,
                     [BR_FAIL] = true,
                     [BR_CANCEL] = true,
                     [BR_REQUEST] = true,
                     [BR_BYE] = true},
    [LEG_EARLY] = {[BR_PROGRESS] = true,
                   [BR_PROGRESS_SDP] = true,
                   [BR_ANSWER] = true,
                   [BR_FAIL] = true,
                   [BR_CANCEL] = true,
                   [BR_REQUEST] = true,
                   [BR_BYE] = true},
    [LEG_ANSWERED] = {[BR_ACK] = true, [BR_REQUEST] = true, [BR_BYE] = true, [BR_LOST] = true},
    [LEG_UP] = {[BR_ACK] = true,
                [BR_CANCEL] = true,
                [BR_REQUEST] = true,
                [BR_BYE] = true,
                [BR_LOST] = true},
    [LEG_CANCELLING] = {[BR_REQUEST] = true},
    [LEG_CLOSING] = {[BR_ACK] = true, [BR_REQUEST] = true, [BR_BYE] = true, [BR_LOST] = true},
    [LEG_DEAD] = {[BR_ACK] = true, [BR_REQUEST] = true, [BR_BYE] = true, [BR_LOST] = true},
};

static bool in_case[LEG_STATES][BR_EVENTS], ever[LEG_STATES][BR_EVENTS];

static bool word_after(const char *line, const char *key, char out[32])
{
    const char *p = strstr(line, key);

    return p && sscanf(p + strlen(key), "%31[a-z0-9-]", out) == 1;
}

static int find(const char *name, const char *(*name_of)(int), int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(name_of(i), name) == 0)
            return i;
    return -1;
}

static const char *state_of(int i)
{
    return leg_state_name((enum leg_state)i);
}

static const char *event_of(int i)
{
    return bridge_event_name((enum bridge_event)i);
}

void cells_begin(void)
{
    memset(in_case, 0, sizeof in_case);
}

void cells_line(const char *line)
{
    char event[32], other[32];
    int s, e;

    if (!strstr(line, "ev=bridge ") || !word_after(line, " event=", event) ||
        !word_after(line, " other=", other))
        return;
    s = find(other, state_of, LEG_STATES);
    e = find(event, event_of, BR_EVENTS);
    if (s >= 0 && e >= 0)
        in_case[s][e] = ever[s][e] = true;
}

bool cells_seen(const char *other, const char *event, bool *known)
{
    int s = find(other, state_of, LEG_STATES);
    int e = find(event, event_of, BR_EVENTS);

    *known = s >= 0 && e >= 0;
    return *known && in_case[s][e];
}

unsigned cells_report(FILE *out)
{
    unsigned want = 0, missing = 0;

    for (int s = 0; s < LEG_STATES; s++)
        for (int e = 0; e < BR_EVENTS; e++) {
            if (ever[s][e] && !reachable[s][e])
                fprintf(out, "# cell %s/%s was visited and is not listed as reachable\n",
                        state_of(s), event_of(e));
            if (!reachable[s][e])
                continue;
            want++;
            if (ever[s][e])
                continue;
            missing++;
            fprintf(out, "# cell %s/%s was not visited\n", state_of(s), event_of(e));
        }
    fprintf(out, "# bridge table: %u of %u reachable cells visited\n", want - missing, want);
    return missing;
}
