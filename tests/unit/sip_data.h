/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages for the tests of lib/sip: one ordinary INVITE, and files of tests/data.
 * Included by test_peek, test_msg, test_build, test_sdp.
 */
#ifndef SIP_DATA_H
#define SIP_DATA_H

#include <stdio.h>
#include <stdlib.h>
#include "core/span.h"

#define DATA_SDP                                                                                  \
    "v=0\r\no=root 1821 1821 IN IP4 198.51.100.7\r\ns=call\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n" \
    "m=audio 17340 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"

#define DATA_INVITE                                                                         \
    "INVITE sip:+4930123@192.0.2.10:5060;user=phone SIP/2.0\r\n"                            \
    "Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bK-1;rport\r\n"                         \
    "Via: SIP/2.0/TCP 10.1.2.3;branch=z9hG4bK-2, SIP/2.0/UDP 10.1.2.4;branch=z9hG4bK-3\r\n" \
    "Max-Forwards: 69\r\n"                                                                  \
    "Record-Route: <sip:p1.example;lr>, <sip:p2.example;lr>\r\n"                            \
    "Record-Route: <sip:p3.example;lr>\r\n"                                                 \
    "From: \"A, B\" <sip:+44207@198.51.100.7>;tag=ft\r\n"                                   \
    "To: <sip:+4930123@192.0.2.10>\r\n"                                                     \
    "Call-ID: abc@198.51.100.7\r\n"                                                         \
    "CSeq: 102 INVITE\r\n"                                                                  \
    "Contact: <sip:+44207@198.51.100.7:5062;transport=udp>\r\n"                             \
    "Supported: timer, 100rel\r\n"                                                          \
    "X-Odd-Case: one\r\n"                                                                   \
    "x-odd-case: two\r\n"                                                                   \
    "Content-Type: application/sdp\r\n"                                                     \
    "Content-Length: 159\r\n\r\n" DATA_SDP

/* A whole file below tests/data into buf; its length, 0 if it cannot be read. */
static inline size_t data_file(const char *name, char *buf, size_t size)
{
    const char *top = getenv("TD_SRCDIR");
    char path[512];
    size_t n = 0;
    FILE *f;

    snprintf(path, sizeof(path), "%s/tests/data/%s", top ? top : ".", name);
    f = fopen(path, "rb");
    if (f) {
        n = fread(buf, 1, size, f);
        fclose(f);
    }
    return n;
}

#endif
