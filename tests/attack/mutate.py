# SPDX-License-Identifier: BSD-2-Clause
"""Bent messages: what a hostile or broken peer makes of a good one."""
import random
import re

NASTY = ["0", "-1", "1", "4294967295", "4294967296", "99999999999999999999999", "2147483648", "65536", "", " ", "\x00", "%00", "%0d%0a",
         "\r\n", "\n", "\r", "\"", "\\", "<", ">", ";", ",", ":", "@", "[::1]", "[", "]", "[::ffff:1.2.3.4]", "[fe80::1%25eth0]", "a" * 300,
         "a" * 5000, "\xff\xfe", ";;;", ";=", ";tag=", "\"\\", "sip:", "tel:", "sip:@", "sip:a@b:99999", "sip:a@[::1]:5060", "<<>>", "=,=",
         "z9hG4bK", "1e9", "+1", "0x10", "NaN", "\t", "()", "(" * 50, "\"" * 51]


def lines_of(msg):
    head, sep, body = msg.partition("\r\n\r\n")
    return head.split("\r\n"), sep, body


def bend(msg, rnd):
    kind = rnd.randrange(20)
    if kind == 0:  # bits
        b = bytearray(msg, "latin-1")
        for _ in range(rnd.choice((1, 1, 2, 8, 40))):
            b[rnd.randrange(len(b))] ^= 1 << rnd.randrange(8)
        return b.decode("latin-1")
    if kind == 1:
        return msg[:rnd.randrange(len(msg))]
    if kind == 2:
        at = rnd.randrange(len(msg))
        return msg[:at] + rnd.choice(NASTY) + msg[at:]
    if kind == 3:
        at = rnd.randrange(len(msg))
        return msg[:at] + msg[at + rnd.randrange(1, 30):]
    lines, sep, body = lines_of(msg)
    i = rnd.randrange(len(lines))
    if kind == 4:
        lines.insert(i, lines[rnd.randrange(len(lines))])
    elif kind == 5:
        lines.pop(i)
    elif kind == 6:
        name = lines[i].partition(":")[0]
        lines[i] = f"{name}: {rnd.choice(NASTY)}"
    elif kind == 7:
        lines[i] = re.sub(r"\d+", lambda m: rnd.choice(NASTY), lines[i], count=1)
    elif kind == 8:
        lines[i] = lines[i].replace(";", f";{rnd.choice(NASTY)};", 1)
    elif kind == 9:
        lines[i:i] = [f"Via: SIP/2.0/UDP 10.0.0.{n % 250}:5060;branch=z9hG4bK{n}" for n in range(rnd.choice((1, 69, 70, 71, 500, 1000)))]
    elif kind == 10:
        lines[i:i] = [f"X-H{n}: {n}" for n in range(rnd.choice((1, 255, 256, 257, 2000, 5000)))]
    elif kind == 11:
        lines[i] = lines[i].replace(" ", "\r\n \t ")
    elif kind == 12:
        return "\n".join(lines) + "\n\n" + body
    elif kind == 13:
        lines.insert(i, "P-Asserted-Identity: " + rnd.choice(("\"" * 3, "<sip:" + "a" * 3000 + ">", "\"x\\\"y\" <sip:+1@h>, <tel:+1>" * 40)))
    elif kind == 14:
        lines[0] = rnd.choice((lines[0] + " ", " " + lines[0], lines[0].replace("SIP/2.0", "SIP/7.0"), lines[0].replace(" ", "  "),
                               lines[0].replace("sip:", rnd.choice(("sips:", "tel:", "urn:service:sos", "http://", "sip:a;b=c@", "sip:%"))),
                               lines[0] + "x" * 60000))
    elif kind == 15:
        lines.insert(i, rnd.choice(("Record-Route", "Route", "Contact", "Require", "Proxy-Require", "Supported", "Reason", "Privacy", "Diversion",
                                    "RSeq", "RAck", "Content-Encoding", "Content-Type", "Max-Forwards", "l", "c", "i", "v", "t", "f", "m"))
                     + ": " + rnd.choice(NASTY))
    elif kind == 16:
        lines = [lines[0]] + rnd.sample(lines[1:], len(lines) - 1)
    elif kind == 17:
        b = body.split("\r\n")
        if len(b) > 2:
            j = rnd.randrange(len(b))
            b[j] = rnd.choice((b[j][:2] + rnd.choice(NASTY), b[j] * 50, "", "m=audio 99999 RTP/AVP 0", "m=audio 5000/65535 RTP/AVP 0", "c=IN IP6 ::",
                               "c=IN IP4 999.1.1.1", "c=IN IP4 evil.example", "a=rtcp:99999999", "a=rtcp:5 IN IP4", "m=", "o=- 1", "\x00"))
        body = "\r\n".join(b)
        lines = [re.sub(r"^Content-Length:.*", f"Content-Length: {len(body)}", l) for l in lines]
    elif kind == 18:
        body = body + rnd.choice(("x" * 60000, "m=audio 4000 RTP/AVP 0\r\n" * 1000, "a=x\r\n" * 3000))
        lines = [re.sub(r"^Content-Length:.*", f"Content-Length: {len(body)}", l) for l in lines]
    else:
        lines[i] = "".join(rnd.choice((c.upper(), c.lower())) for c in lines[i])
    return ("\r\n".join(lines) + sep + body)[:65000]
