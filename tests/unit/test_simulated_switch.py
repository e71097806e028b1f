"""The simulated switch over a raw socket, as any AMI client sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from simulated_client import HANDLER, Client, by_name

from callcamp.core.outcome import parse_evidence
from callcamp.switch.simulated import SimulatedSwitch, refuses


@pytest.fixture
async def switch() -> AsyncIterator[SimulatedSwitch]:
    async with SimulatedSwitch(by_number=by_name, speed=200, trunks=["lab"]) as one:
        yield one


@pytest.fixture
async def client(switch: SimulatedSwitch) -> AsyncIterator[Client]:
    one = await Client.connect(switch)
    yield one
    await one.close()


async def test_log_in_needs_the_secret(switch: SimulatedSwitch) -> None:
    client = await Client.connect(switch, log_in=False)
    assert (await client.ask("Ping"))["Message"] == "Permission denied"
    refused = await client.ask("Login", "Username: callcamp", "Secret: wrong")
    assert (refused["Response"], refused["Message"]) == ("Error", "Authentication failed")
    assert await client.is_over()
    await client.close()


async def test_log_off_ends_the_connection(client: Client) -> None:
    assert (await client.ask("Logoff"))["Response"] == "Goodbye"
    assert await client.is_over()


async def test_what_asterisk_does_not_know_it_names(client: Client) -> None:
    assert (await client.ask("Foo"))["Message"] == (
        "Invalid/unknown command: Foo. Use Action: ListCommands to show available commands."
    )
    assert (await client.ask("", "X: y"))["Message"] == "Missing action in request"
    assert (await client.ask("Ping", "X: " + "y" * 2000))["Response"] == "Error"
    assert (await client.ask("Ping"))["Ping"] == "Pong"


PRELUDE = ["Newchannel", "Newstate"]


@pytest.mark.parametrize(
    ("behaviour", "before", "cause", "tech"),
    [
        ("person", [*PRELUDE, "Newstate", "DialEnd", "UserEvent", "Hangup"], "16", None),
        ("hangs_up_at_once", [*PRELUDE, "DialEnd", "UserEvent", "Hangup"], "0", None),
        ("early_media_fail", ["Newchannel", "DialEnd", "UserEvent", "Hangup"], "1", "404"),
        ("no_answer", [*PRELUDE, "UserEvent", "Hangup"], "19", "480"),
        ("silent_sip", ["Newchannel", "UserEvent", "Hangup"], "19", "480"),
    ],
)
async def test_a_call_tells_its_story_in_asterisks_order(
    client: Client, behaviour: str, before: list[str], cause: str, tech: str | None
) -> None:
    client.order("x1", behaviour)
    story = await client.story("x1")
    assert [name for name in story if name != "OriginateResponse"] == before
    hangup = await client.event("Hangup", Uniqueid="x1")
    assert (hangup["Cause"], hangup.get("TechCause")) == (cause, tech)


async def test_events_carry_asterisks_headers_in_its_order(client: Client) -> None:
    client.order("x1", "person", CallerID='"Shop" <+33100>')
    ringing = await client.event("Newstate", Uniqueid="x1", ChannelStateDesc="Ringing")
    assert " ".join(ringing) == (
        "Event Privilege Channel ChannelState ChannelStateDesc CallerIDNum CallerIDName"
        " ConnectedLineNum ConnectedLineName Language AccountCode Context Exten Priority"
        " Uniqueid Linkedid"
    )
    assert (ringing["CallerIDNum"], ringing["CallerIDName"]) == ("+33100", "Shop")
    answered = await client.event("OriginateResponse")
    assert " ".join(answered) == (
        "Event Privilege ActionID Response Channel Context Exten Reason Uniqueid CallerIDNum"
        " CallerIDName"
    )
    assert (answered["Response"], answered["Reason"]) == ("Success", "4")
    assert answered["Channel"].startswith("PJSIP/lab-")


async def test_refusals_map_to_asterisks_causes(client: Client) -> None:
    # Pairs of SIP code and cause measured on Asterisk 22.10.1.
    causes = dict.fromkeys((486, 600), "17") | dict.fromkeys((403, 603), "21")
    causes |= {404: "1", 408: "18", 410: "22", 480: "19", 484: "28", 488: "58"}
    causes |= {500: "38", 503: "34", 607: "127"}
    async with SimulatedSwitch(by_number=lambda n: refuses(int(n)), speed=200) as switch:
        other = await Client.connect(switch)
        for code in causes:
            other.order(f"x{code}", str(code))
        for code, cause in causes.items():
            hangup = await other.event("Hangup", Uniqueid=f"x{code}")
            assert (hangup["Cause"], hangup["TechCause"]) == (cause, str(code))
            dial = await other.event("DialEnd", DestUniqueid=f"x{code}")
            assert dial["DialStatus"] == {"17": "BUSY", "34": "CONGESTION"}.get(cause, "NOANSWER")
            assert (await other.event("OriginateResponse", Uniqueid=f"x{code}"))["Reason"] == "0"
        await other.close()


async def test_our_own_time_out_is_reason_three_and_after_32_s_it_is_sips(client: Client) -> None:
    client.order("ours", "silent_sip", Timeout="31000")
    client.order("sips", "silent_sip", Timeout="40000")
    client.order("rings", "no_answer", Timeout="40000")
    assert (await client.event("OriginateResponse", Uniqueid="ours"))["Reason"] == "3"
    assert (await client.event("OriginateResponse", Uniqueid="sips"))["Reason"] == "0"
    assert (await client.event("Hangup", Uniqueid="sips"))["TechCause"] == "408"
    assert (await client.event("OriginateResponse", Uniqueid="rings"))["Reason"] == "3"


async def test_the_word_on_the_order_comes_before_or_after_the_end(client: Client) -> None:
    for at in range(40):
        client.order(f"x{at}", f"early_media_fail.{at}")
    orders = set()
    for at in range(40):
        story = await client.story(f"x{at}")
        orders.add(story.index("OriginateResponse") < story.index("Hangup"))
    assert orders == {True, False}


async def test_a_live_channels_id_cannot_be_used_twice(
    switch: SimulatedSwitch, client: Client
) -> None:
    client.order("x1", "no_answer")
    await client.event("Newstate", Uniqueid="x1")
    second = client.order("x1", "person")
    refused = await client.event("OriginateResponse", ActionID=second)
    assert (refused["Response"], refused["Uniqueid"]) == ("Failure", "x1")
    assert switch.witness() == {"no_answer": 1}
    await client.event("Hangup", Uniqueid="x1")
    client.order("x1", "person")
    await client.event("Newstate", Uniqueid="x1", ChannelStateDesc="Up")
    assert switch.witness() == {"no_answer": 1, "person": 1}


async def test_an_unknown_endpoint_fails_without_a_channel(
    switch: SimulatedSwitch, client: Client
) -> None:
    client.order("x1", "1", Channel="PJSIP/1@nowhere")
    assert (await client.event("OriginateResponse"))["Response"] == "Failure"
    assert not [e for e in client.events if e.get("Event") == "Newchannel"]
    assert switch.witness() == {}
    for header, words in (
        ("Channel: PJSIP", "Invalid channel"),
        ("X: y", "Channel not specified"),
        ("Channel: PJSIP/1@lab\r\nPriority: one", "Invalid priority"),
        ("Channel: PJSIP/1@lab\r\nTimeout: long", "Invalid timeout"),
        ("Channel: PJSIP/1@lab\r\nExten: s\r\nContext: none", "Extension does not exist."),
    ):
        assert (await client.ask("Originate", "Async: true", header))["Message"] == words


async def test_a_comma_in_a_value_can_take_the_handler_away(
    switch: SimulatedSwitch, client: Client
) -> None:
    client.order("bad", "busy.1", "X=1,CHANNEL(hangup_handler_wipe)=", HANDLER)
    client.order("good", "early_media_fail", "X=1\\,CHANNEL(hangup_handler_wipe)=", HANDLER)
    client.order("none", "early_media_fail", "X=1")
    for name in ("bad", "good", "none"):
        await client.story(name)
    assert set(switch.outbox()) == {"good"}
    assert [e["Attempt"] for e in client.events if e.get("Event") == "UserEvent"] == ["good"]


async def test_an_order_that_is_not_async_is_answered_at_its_end(client: Client) -> None:
    headers = ("Channel: PJSIP/early_media_fail@lab", "Context: callcamp-answered", "Exten: s")
    assert (await client.ask("Originate", *headers))["Message"] == "Originate failed"


async def test_evidence_is_the_same_in_event_and_outbox(
    switch: SimulatedSwitch, client: Client
) -> None:
    client.order("x1", "presses_key")
    line = (await client.event("UserEvent"))["Evidence"]
    assert switch.outbox() == {"x1": line}
    seen = parse_evidence(line)
    assert (seen.answered, seen.amd_status, seen.dtmf, seen.played) == (
        True,
        "HUMAN",
        "1",
        "prompt",
    )
    assert seen.talk_s == pytest.approx(3.5, abs=0.01)


async def test_a_call_can_be_seen_and_hung_up(client: Client) -> None:
    client.order("x1", "no_answer", Timeout="600000")
    await client.event("Newstate", Uniqueid="x1")
    (shown,) = await client.listed("CoreShowChannels")
    assert (shown["Uniqueid"], shown["ChannelStateDesc"]) == ("x1", "Ringing")
    assert (await client.ask("Setvar", "Channel: x1", "Variable: A", "Value: b"))[
        "Response"
    ] == "Success"
    assert (await client.ask("Getvar", "Channel: x1", "Variable: A"))["Value"] == "b"
    assert (await client.ask("Hangup", f"Channel: {shown['Channel']}"))[
        "Message"
    ] == "Channel Hungup"
    assert (await client.event("Hangup"))["Cause"] == "0"
    assert (await client.ask("Hangup", "Channel: x1"))["Message"] == "No such channel"
    assert await client.listed("CoreShowChannels") == []


async def test_astdb_over_ami(client: Client) -> None:
    assert await client.listed("DBGetTree", "Family: callcamp") == []
    await client.ask("DBPut", "Family: callcamp", "Key: a", "Val: x=1, y")
    (one,) = await client.listed("DBGet", "Family: callcamp", "Key: a")
    assert (one["Key"], one["Val"]) == ("a", "x=1, y")
    assert (await client.ask("Getvar", "Variable: DB(callcamp/a)"))["Value"] == "x=1, y"
    (one,) = await client.listed("DBGetTree", "Family: callcamp")
    assert one["Key"] == "/callcamp/a"
    assert (await client.ask("DBDel", "Family: callcamp", "Key: a"))["Response"] == "Success"
    gone = await client.ask("DBDel", "Family: callcamp", "Key: a")
    assert gone["Message"] == "Database entry could not be deleted"
    assert (await client.ask("DBDelTree", "Family: callcamp"))["Response"] == "Error"
    assert (await client.ask("DBGet", "Family: callcamp", "Key: a"))["Response"] == "Error"


async def test_what_is_missing_shows() -> None:
    lacks = ["app_amd", "callcamp-hangup"]
    async with SimulatedSwitch(lacks=lacks, rights=["call"], by_number=by_name) as switch:
        client = await Client.connect(switch)
        assert "Setvar" in (commands := await client.ask("ListCommands"))
        assert "Originate" not in commands
        refused = await client.ask("Originate", "Channel: PJSIP/1@lab")
        assert refused["Message"] == "Permission denied"
        await client.close()
    async with SimulatedSwitch(lacks=lacks, by_number=by_name, speed=200) as switch:
        client = await Client.connect(switch)
        assert (await client.ask("ModuleCheck", "Module: app_amd"))["Response"] == "Error"
        assert (await client.ask("ModuleCheck", "Module: app_read"))["Response"] == "Success"
        shown = await client.ask("ShowDialPlan", "Context: callcamp-hangup")
        assert shown["Message"] == "Did not find context callcamp-hangup"
        client.order("x1", "early_media_fail")
        await client.story("x1")
        assert switch.outbox() == {}
        await client.close()
