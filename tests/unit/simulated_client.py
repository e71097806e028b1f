"""A bare AMI client for the tests of the simulated switch, and callees by name."""

from __future__ import annotations

import asyncio

from callcamp.switch.simulated import CalleeScript, SimulatedSwitch, script_for

Block = dict[str, str]
HANDLER = "CHANNEL(hangup_handler_push)=callcamp-hangup\\,s\\,1"


class Client:
    """A bare AMI client: blocks out, blocks in, nothing clever."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.events: list[Block] = []
        self._count = 0

    @classmethod
    async def connect(cls, switch: SimulatedSwitch, *, log_in: bool = True) -> Client:
        client = cls(*await asyncio.open_connection(switch.host, switch.port))
        assert await client._reader.readline() == b"Asterisk Call Manager/11.0.0\r\n"
        if log_in:
            login = await client.ask(
                "Login", f"Username: {switch.username}", f"Secret: {switch.secret}"
            )
            assert login["Message"] == "Authentication accepted"
            await client.event("FullyBooted")
        return client

    async def block(self) -> Block:
        raw = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 10)
        lines = raw.decode().strip("\r\n").split("\r\n")
        return dict(line.split(": ", 1) if ": " in line else (line[:-1], "") for line in lines)

    def send(self, action: str, *headers: str) -> str:
        self._count += 1
        action_id = str(self._count)
        lines = [f"Action: {action}", f"ActionID: {action_id}", *headers, "", ""]
        self._writer.write("\r\n".join(lines).encode())
        return action_id

    async def ask(self, action: str, *headers: str) -> Block:
        action_id = self.send(action, *headers)
        while True:
            block = await self.block()
            if "Response" in block and "Event" not in block:
                assert block.get("ActionID") == action_id
                return block
            self.events.append(block)

    async def event(self, name: str, **headers: str) -> Block:
        def fits(block: Block) -> bool:
            return block.get("Event") == name and headers.items() <= block.items()

        while not any(fits(block) for block in self.events):
            self.events.append(await self.block())
        found = next(block for block in self.events if fits(block))
        self.events.remove(found)
        return found

    async def listed(self, action: str, *headers: str) -> list[Block]:
        response = await self.ask(action, *headers)
        assert response["EventList"] == "start"
        items: list[Block] = []
        while (block := await self.block()).get("EventList") != "Complete":
            items.append(block)
        assert block["ListItems"] == str(len(items))
        return items

    def order(self, name: str, number: str, *variables: str, **headers: str) -> str:
        fields = {
            "Channel": f"PJSIP/{number}@lab",
            "ChannelId": name,
            "Timeout": "20000",
            "Context": "callcamp-answered",
            "Exten": "s",
            "Priority": "1",
            "Async": "true",
            **headers,
        }
        chosen = variables or (HANDLER,)
        sets = (*chosen, f"CC_ATTEMPT={name}", "CC_DETECT=1", "CC_PROMPT=p", "CC_MACHINE_MESSAGE=m")
        return self.send(
            "Originate",
            *(f"{k}: {v}" for k, v in fields.items()),
            *(f"Variable: {one}" for one in sets),
        )

    async def story(self, name: str) -> list[str]:
        """All events of one call until both its last ones are there, in order."""
        while True:
            names = [
                block["Event"]
                for block in self.events
                if name in (block.get("Uniqueid"), block.get("DestUniqueid"))
            ]
            if {"Hangup", "OriginateResponse"} <= set(names):
                return names
            self.events.append(await self.block())

    async def is_over(self) -> bool:
        try:
            while True:
                self.events.append(await self.block())
        except (asyncio.IncompleteReadError, ConnectionError):
            return True

    async def close(self) -> None:
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)


def by_name(number: str) -> CalleeScript | None:
    """The 'number' is the name of a behaviour, with anything after a dot."""
    return script_for(number.partition(".")[0])
