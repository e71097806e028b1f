"""The steps of a SIPp scenario, as XML: what callees and agents of the lab are made of.

Steps stand in lists of strings; ``label`` and ``goto`` join them. The variables ``num``,
``peer``, ``peerfrom`` and ``cseqn`` are those that :func:`look_at_invite` takes from the INVITE.
"""

from __future__ import annotations

from typing import Final

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
STREAM_PORT: Final = "[rtpstream_audio_port]"
"""Where audio that is played with :func:`play` comes from."""
# Nothing listens there and nothing is sent: the load numbers cost SIPp no audio at all.
DEAD_PORT: Final = "9"
"""A port for calls without audio."""


def _send(message: str, *, retrans: bool = False, goto: str | None = None) -> str:
    attributes = (' retrans="500"' if retrans else "") + (f' next="{goto}"' if goto else "")
    return f"<send{attributes}><![CDATA[\n{message}\n]]></send>"


def status(
    code: int,
    *,
    sdp_port: str | None = None,
    cseq: str = "[last_CSeq:]",
    final: bool = False,
    tagged: bool = True,
    goto: str | None = None,
) -> str:
    """Answer the request that came last.

    Args:
        code: SIP status code.
        sdp_port: port of our audio, to accept a call with; None: no body.
        cseq: the CSeq line, when another request came in between.
        final: whether it is repeated until an ACK comes.
        tagged: whether our tag is to be added to ``To``.
        goto: label to go on at.
    """
    to = _TO if tagged else "[last_To:]\n[last_Call-ID:]\n"
    body = _SDP.format(port=sdp_port) if sdp_port else _NO_BODY
    head = f"SIP/2.0 {code} {_REASONS[code]}\n{_VIA}{to}{cseq}\n{_CONTACT}"
    return _send(head + body, retrans=final, goto=goto)


def request(method: str, cseq: int, body: str = _NO_BODY) -> str:
    """Send a request in the call."""
    return _send(
        f"{method} [$peer] SIP/2.0\n"
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
        "From: <sip:[$num]@[local_ip]:[local_port]>;tag=c[pid]-[call_number]\n"
        "To: [$peerfrom]\n[last_Call-ID:]\n"
        f"CSeq: {cseq} {method}\n{_CONTACT}Max-Forwards: 70\n{body}",
        retrans=True,
    )


def label(name: str) -> str:
    """Mark a place to go to."""
    return f'<label id="{name}"/>'


def goto(name: str) -> str:
    """Go on at a label."""
    return f'<nop next="{name}"/>'


def wait_for(request: str, milliseconds: int, *, got: str, ontimeout: str) -> str:
    """Wait for a request; whatever comes, the scenario goes on at a label."""
    return (
        f'<recv request="{request}" timeout="{milliseconds}" ontimeout="{ontimeout}" next="{got}"/>'
    )


def play(sound: str) -> str:
    """Begin to play a file of raw mu-law; a missing one ends the whole SIPp process."""
    return f'<nop><action><exec rtp_stream="{sound},1,0,PCMU/8000"/></action></nop>'


def answer(port: str = STREAM_PORT) -> list[str]:
    """Accept the call."""
    return [status(200, sdp_port=port, final=True), '<recv request="ACK"/>']


def listen(milliseconds: int, then: str) -> str:
    """Be on the phone for so long; at the end of it go on at ``then``."""
    return wait_for("BYE", milliseconds, got="said_bye", ontimeout=then)


def ring(milliseconds: int, then: str) -> list[str]:
    """Ring for so long, then go on at ``then``."""
    return [status(180), wait_for("CANCEL", milliseconds, got="cancelled", ontimeout=then)]


def match(pattern: str, variables: str, variable: str = "num") -> str:
    """Match a variable, an action of a ``recv``; what was found goes into ``variables``."""
    return (
        f'<ereg regexp="{pattern}" search_in="var" variable="{variable}" assign_to="{variables}"/>'
    )


def look_at_invite(*actions: str) -> list[str]:
    """Take a call and write it to the witness log; ``actions`` look at the number called."""
    return [
        '<recv request="INVITE"><action>',
        '<ereg regexp="INVITE sip:([^@ ;]+)" search_in="msg" assign_to="line,num"/>',
        '<ereg regexp="[^ ].*" search_in="hdr" header="From:" assign_to="peerfrom"/>',
        '<ereg regexp="sip:([^@>;]+)" search_in="hdr" header="From:" assign_to="caller,shown"/>',
        '<ereg regexp="sip:[^>;]+" search_in="hdr" header="Contact:" assign_to="peer"/>',
        '<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseqn"/>',
        '<ereg regexp="answer-after=[0-9]+" search_in="hdr" header="Call-Info:" assign_to="auto"/>',
        '<log message="INVITE [$num] [call_id] from=[$shown] [timestamp] [$auto]"/>',
        *actions,
        "</action></recv>",
        '<Reference variables="line,caller"/>',
    ]


def hanging_up() -> list[str]:
    """How calls that were answered end: ``hang_up``, and ``said_bye``."""
    return [
        label("hang_up"),
        request("BYE", 2),
        '<recv response="200" next="done"/>',
        label("said_bye"),
        status(200, tagged=False, goto="done"),
    ]


def refusing(*codes: int) -> list[str]:
    """How calls that were not answered end: ``cancelled``, and ``fail486`` for each code."""
    cseq = "CSeq: [$cseqn] INVITE"
    parts = [
        label("cancelled"),
        status(200, cseq="CSeq: [$cseqn] CANCEL"),
        status(487, cseq=cseq, final=True),
        '<recv request="ACK" next="done"/>',
    ]
    for code in codes:
        parts += [
            label(f"fail{code}"),
            status(code, cseq=cseq, final=True),
            '<recv request="ACK" next="done"/>',
        ]
    return parts


def scenario(name: str, *parts: str) -> str:
    """Return a whole scenario as XML; it ends at the label ``done``."""
    return (
        "\n".join(
            [
                '<?xml version="1.0" encoding="UTF-8"?>',
                f'<scenario name="{name}">',
                *parts,
                label("done"),
                "<nop/>",
                "</scenario>",
            ]
        )
        + "\n"
    )
