"""The SIPp scenario of the callees, made from small parts.

One SIPp process plays everybody. The first step takes the dialled number from the request
line, writes it to the witness log and branches on the two digits of its behaviour. SIPp's
traps that shape this file: a status line cannot hold a variable code (so one label per
code); a CANCEL or BYE during a ``pause`` is answered wrongly (so every wait is a ``recv``
with a timeout); ``todouble`` of an empty text ends the process (so the number's form is
checked first); as callee the address of the caller is only in its Contact.
"""

from __future__ import annotations

from typing import Final

from callcamp.lab.behaviours import (
    ALL_BEHAVIOURS,
    LOAD_PREFIX,
    PREFIXES,
    UNVALIDATED_PREFIX,
)

_REASONS: Final = {
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    410: "Gone",
    480: "Temporarily Unavailable",
    484: "Address Incomplete",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    503: "Service Unavailable",
    600: "Busy Everywhere",
    603: "Decline",
    607: "Unwanted",
}
_VIA: Final = "[last_Via:]\n[last_From:]\n"
_TO: Final = "[last_To:];tag=c[pid]-[call_number]\n[last_Call-ID:]\n"
_CONTACT: Final = "Contact: <sip:[local_ip]:[local_port]>\n"
_SDP: Final = """Content-Type: application/sdp
Content-Length: [len]

v=0
o=callee 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio {port} RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=sendrecv
"""
_NO_BODY: Final = "Content-Length: 0\n\n"
_STREAM_PORT: Final = "[rtpstream_audio_port]"
# Nothing listens there and nothing is sent: the load numbers cost SIPp no audio at all.
_DEAD_PORT: Final = "9"


def _send(message: str, *, retrans: bool = False, goto: str | None = None) -> str:
    attributes = (' retrans="500"' if retrans else "") + (f' next="{goto}"' if goto else "")
    return f"<send{attributes}><![CDATA[\n{message}\n]]></send>"


def _status(
    code: int,
    *,
    sdp_port: str | None = None,
    cseq: str = "[last_CSeq:]",
    final: bool = False,
    tagged: bool = True,
    goto: str | None = None,
) -> str:
    to = _TO if tagged else "[last_To:]\n[last_Call-ID:]\n"
    body = _SDP.format(port=sdp_port) if sdp_port else _NO_BODY
    head = f"SIP/2.0 {code} {_REASONS[code]}\n{_VIA}{to}{cseq}\n{_CONTACT}"
    return _send(head + body, retrans=final, goto=goto)


def _request(method: str, cseq: int, body: str = _NO_BODY) -> str:
    return _send(
        f"{method} [$peer] SIP/2.0\n"
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
        "From: <sip:[$num]@[local_ip]:[local_port]>;tag=c[pid]-[call_number]\n"
        "To: [$peerfrom]\n[last_Call-ID:]\n"
        f"CSeq: {cseq} {method}\n{_CONTACT}Max-Forwards: 70\n{body}",
        retrans=True,
    )


def _label(name: str) -> str:
    return f'<label id="{name}"/>'


def _goto(name: str) -> str:
    return f'<nop next="{name}"/>'


def _wait(request: str, milliseconds: int, *, got: str, ontimeout: str) -> str:
    """Wait for a request; whatever comes, the scenario goes on at a label."""
    return (
        f'<recv request="{request}" timeout="{milliseconds}" ontimeout="{ontimeout}" next="{got}"/>'
    )


def _play(sound: str) -> str:
    return f'<nop><action><exec rtp_stream="{sound},1,0,PCMU/8000"/></action></nop>'


def _answer(port: str = _STREAM_PORT) -> list[str]:
    return [_status(200, sdp_port=port, final=True), '<recv request="ACK"/>']


def _listen(milliseconds: int, then: str) -> str:
    """Be on the phone for so long; at the end of it go on at ``then``."""
    return _wait("BYE", milliseconds, got="said_bye", ontimeout=then)


def _ring(milliseconds: int, then: str) -> list[str]:
    return [_status(180), _wait("CANCEL", milliseconds, got="cancelled", ontimeout=then)]


def _match(pattern: str, variables: str) -> str:
    return f'<ereg regexp="{pattern}" search_in="var" variable="num" assign_to="{variables}"/>'


def _dispatch() -> list[str]:
    """The first steps: log the call, find its behaviour, go there."""
    ranges = "|".join(prefix[3:] for prefix in (*PREFIXES, UNVALIDATED_PREFIX))
    return [
        '<recv request="INVITE"><action>',
        '<ereg regexp="INVITE sip:([^@ ;]+)" search_in="msg" assign_to="line,num"/>',
        '<ereg regexp="[^ ].*" search_in="hdr" header="From:" assign_to="peerfrom"/>',
        '<ereg regexp="sip:([^@>;]+)" search_in="hdr" header="From:" assign_to="caller,shown"/>',
        '<ereg regexp="sip:[^>;]+" search_in="hdr" header="Contact:" assign_to="peer"/>',
        '<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseqn"/>',
        '<log message="INVITE [$num] [call_id] from=[$shown] [timestamp]"/>',
        _match(f"^[+]{LOAD_PREFIX[1:]}[0-9]{{4}}$", "isload"),
        _match(f"^[+]33({ranges})([0-9][0-9])[0-9][0-9]$", "isknown,range,code"),
        "</action></recv>",
        '<Reference variables="line,range,caller"/>',
        '<nop next="load" test="isload"/>',
        '<nop next="choose" test="isknown"/>',
        _goto("fail404"),
        _label("choose"),
        '<nop><action><todouble assign_to="digits" variable="code"/></action></nop>',
        *(
            f'<nop><action><test assign_to="is{one.code}" variable="digits" compare="equal"'
            f' value="{int(one.code)}"/></action></nop>'
            f'<nop next="{_target(one.slug, one.failure)}" test="is{one.code}"/>'
            for one in ALL_BEHAVIOURS
        ),
        _goto("fail404"),
    ]


def _target(slug: str, failure: int | None) -> str:
    return slug if failure is None else f"fail{failure}"


def _talkers(sounds: str) -> list[str]:
    """Everybody who picks up."""
    hello = _play(f"{sounds}/person.ul")
    signal = (
        "Content-Type: application/dtmf-relay\nContent-Length: [len]\n\nSignal=1\nDuration=160\n"
    )
    return [
        _label("load"),
        *_answer(_DEAD_PORT),
        _listen(600_000, "hang_up"),
        _label("person"),
        *_ring(1000, "person_answers"),
        _label("person_answers"),
        *_answer(),
        hello,
        _listen(120_000, "hang_up"),
        _label("late_answer"),
        *_ring(5000, "person_answers"),
        _label("presses_key"),
        *_ring(1000, "presses_key_answers"),
        _label("presses_key_answers"),
        *_answer(),
        hello,
        _listen(3500, "presses_key_now"),
        _label("presses_key_now"),
        # The telephone-event of rtp_stream never arrived in Asterisk; SIP INFO does.
        _request("INFO", 1, signal),
        '<recv response="200"/>',
        _listen(120_000, "hang_up"),
        _label("hangs_up_midway"),
        *_ring(1000, "hangs_up_midway_answers"),
        _label("hangs_up_midway_answers"),
        *_answer(),
        hello,
        _listen(4000, "hang_up"),
        _label("long_talk"),
        *_ring(1000, "long_talk_answers"),
        _label("long_talk_answers"),
        *_answer(),
        _play(f"{sounds}/talker.ul"),
        _listen(15_000, "hang_up"),
        _label("voicemail"),
        *_ring(1000, "voicemail_answers"),
        _label("voicemail_answers"),
        *_answer(),
        _play(f"{sounds}/voicemail.ul"),
        _listen(120_000, "hang_up"),
        _label("hangs_up_at_once"),
        *_answer(_DEAD_PORT),
        _label("hang_up"),
        _request("BYE", 2),
        '<recv response="200" next="done"/>',
        _label("said_bye"),
        _status(200, tagged=False, goto="done"),
    ]


def _refusers(sounds: str) -> list[str]:
    """Everybody who does not pick up."""
    codes = sorted({404, *(b.failure for b in ALL_BEHAVIOURS if b.failure)})
    parts = [
        _label("no_answer"),
        *_ring(300_000, "fail480"),
        _label("cancelled"),
        _status(200, cseq="CSeq: [$cseqn] CANCEL"),
        _status(487, cseq="CSeq: [$cseqn] INVITE", final=True),
        '<recv request="ACK" next="done"/>',
        # A CANCEL would be unexpected in a pause, and SIPp would answer it by itself.
        _label("silent_sip"),
        _wait("CANCEL", 40_000, got="done", ontimeout="done"),
        _label("early_media_fail"),
        _status(183, sdp_port=_STREAM_PORT),
        _play(f"{sounds}/announcement.ul"),
        _wait("CANCEL", 2500, got="cancelled", ontimeout="fail404"),
    ]
    for code in codes:
        cseq = "CSeq: [$cseqn] INVITE"
        parts += [
            _label(f"fail{code}"),
            _status(code, cseq=cseq, final=True),
            '<recv request="ACK" next="done"/>',
        ]
    return parts


def render(sounds: str) -> str:
    """Return the scenario as XML.

    Args:
        sounds: the folder, as SIPp sees it, with ``person.ul``, ``talker.ul``,
            ``voicemail.ul`` and ``announcement.ul`` (raw 8 kHz mu-law). A missing file ends
            the whole SIPp process.
    """
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<scenario name="callcamp callees">',
        *_dispatch(),
        *_talkers(sounds),
        *_refusers(sounds),
        _label("done"),
        "<nop/>",
        "</scenario>",
    ]
    return "\n".join(parts) + "\n"
