"""The voices of the lab, spoken by espeak-ng and cut by sox, once, into the cache.

Callees get raw mu-law for SIPp; Asterisk gets its prompts as ``.ulaw``, the format on the
wire, so that nothing is transcoded under load. Every callee's file ends in a minute of
near silence: SIPp sends no RTP after the end of a file, and Asterisk's detector counts no
silence that is not sent.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from callcamp.lab.place import Place

PROMPT: Final = "callcamp-prompt"
"""File name without extension of the prompt that calls play."""

MACHINE_MESSAGE: Final = "callcamp-message"
"""File name without extension of the message left on answering machines."""

_HELLO: Final = "Hello?"
_SPEECH: Final = {
    "hello": _HELLO,
    "talk": (
        "Oh yes, I remember. I was about to ring you myself, because my neighbour told me about"
        " it and I wanted to know when you will come round and how long all of it will take,"
        " since we are away next week and the week after that one too."
    ),
    "greeting": (
        "You have reached the voice mail of the Martin family, we are not at home at the moment,"
        " please leave your name and your number after the tone and we will call you back."
    ),
    "announcement": "The number you have dialled is not in service.",
    "prompt": (
        "This is a test call from the call camp laboratory. Press one if you would like"
        " to be called back. Thank you, and goodbye."
    ),
    "message": "This is call camp. We will try again later. Goodbye.",
}
_TAIL_S: Final = 60
STAMP: Final = "made"
"""File that is written when all the others are there."""


def sound_files() -> tuple[str, ...]:
    """Return the names of all files that :func:`make_audio` makes."""
    return (
        "person.ul",
        "talker.ul",
        "voicemail.ul",
        "announcement.ul",
        f"{PROMPT}.ulaw",
        f"{MACHINE_MESSAGE}.ulaw",
    )


def is_made(folder: Path) -> bool:
    """Say whether ``folder`` holds every sound, complete."""
    return (folder / STAMP).exists() and all(
        (folder / name).exists() and (folder / name).stat().st_size > 0 for name in sound_files()
    )


def make_audio(place: Place, folder: Path) -> None:
    """Make all sounds in ``folder``, a folder of ``place``; do nothing if they are there.

    Raises:
        LabError: espeak-ng or sox is missing or fails.
    """
    if is_made(folder):
        return
    shutil.rmtree(folder, ignore_errors=True)
    work = folder / "work"
    work.mkdir(parents=True)
    inside = place.inside(work)

    def sox(*arguments: str) -> None:
        place.run(["sox", "-R", *arguments])

    def wav(name: str) -> str:
        return f"{inside}/{name}.wav"

    for name, text in _SPEECH.items():
        place.run(["espeak-ng", "-v", "en", "-s", "160", "-w", wav(f"{name}-raw"), text])
        # Trim both ends so that only the pauses written here count.
        trim = ["silence", "1", "0.01", "0.5%", "reverse"] * 2
        sox(wav(f"{name}-raw"), "-r", "8000", "-c", "1", "-b", "16", wav(name), "norm", "-6", *trim)
    nothing = ("-n", "-r", "8000", "-c", "1", "-b", "16")
    for name, seconds in (("short", 0.4), ("pause", 2.5), ("tail", _TAIL_S)):
        sox(*nothing, wav(name), "trim", "0", str(seconds))
    sox(*nothing, wav("beep"), "synth", "0.5", "sine", "1000", "norm", "-6")

    def join(target: str, *parts: str) -> None:
        raw = ("-t", "raw", "-e", "mu-law", "-b", "8")
        sox(*(wav(part) for part in parts), *raw, f"{inside}/{target}")
        (work / target).rename(folder / target)

    join("person.ul", "short", "hello", "tail")
    join("talker.ul", "short", "hello", "pause", "talk", "tail")
    join("voicemail.ul", "short", "greeting", "short", "beep", "tail")
    join("announcement.ul", "announcement", "tail")
    join(f"{PROMPT}.ulaw", "prompt")
    join(f"{MACHINE_MESSAGE}.ulaw", "message")
    shutil.rmtree(work)
    (folder / STAMP).touch()
