"""The configuration of the lab's Asterisk.

What an admin would include (rights, modules, dialplan, the shape of a trunk) is taken from
callcamp's own ``asterisk/`` and ``dialplan/`` folders, so the lab tests those files.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from callcamp.lab import agents, webphones
from callcamp.lab.place import Place, data_folder
from callcamp.lab.ports import Ports

AMI_USERNAME: Final = "callcamp"
TRUNK: Final = "callcamp-lab"
"""Name of the PJSIP endpoint that leads to the callees."""

RTP_PORTS: Final = (10_000, 29_999)
"""UDP ports of Asterisk's audio; labs share them, Asterisk goes on to the next free one."""

SIPP_RTP_PORTS: Final = (30_000, 31_998)
"""UDP ports of the callees' audio."""


def write_config(
    run_dir: Path, place: Place, ports: Ports, secret: str, music: str = "/var/lib/asterisk/moh"
) -> None:
    """Write all configuration files below ``run_dir``, a folder of ``place``.

    Args:
        run_dir: the lab's own folder; its database and logs, if any, are left alone.
        place: where Asterisk will run.
        ports: where to listen.
        secret: of the AMI user.
        music: the folder, as Asterisk names it, whose sounds are the music on hold.
    """
    folder = run_dir / "etc"
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("etc", "db", "spool", "run", "log"):
        (run_dir / name).mkdir(parents=True, exist_ok=True)
    shipped = data_folder("asterisk")
    for name in ("manager_callcamp.conf", "modules_callcamp.conf", "queues_callcamp.conf"):
        shutil.copyfile(shipped / name, folder / name)
    dialplan = "extensions_callcamp.conf"
    shutil.copyfile(data_folder("dialplan") / dialplan, folder / dialplan)
    webphones.copy_shipped(folder)
    files = {**_files(place.inside(run_dir), ports, secret, music), **webphones.files(ports.http)}
    for name, text in files.items():
        path = folder / name
        path.touch(mode=0o600)  # before the text: one of them holds the secret
        path.write_text(text)
    example = (shipped / "pjsip_callcamp_example.conf").read_text()
    (folder / "pjsip_trunk.conf").write_text(trunk_from_example(example, ports.sipp))


def trunk_from_example(example: str, port: int) -> str:
    """Turn the shipped example of a trunk into the lab's trunk to 127.0.0.1:``port``."""
    lines = [line for line in example.splitlines() if not line.lstrip().startswith(";")]
    return (
        "\n".join(lines)
        .replace("my-trunk", TRUNK)
        .replace("sip:sip.example.net:5060", f"sip:127.0.0.1:{port}")
    )


def _files(inside: str, ports: Ports, secret: str, music: str) -> Mapping[str, str]:
    directories = {
        "astetcdir": "etc",
        "astdbdir": "db",
        "astspooldir": "spool",
        "astrundir": "run",
        "astlogdir": "log",
    }
    return {
        "asterisk.conf": "[directories]\n"
        + "".join(f"{key} => {inside}/{folder}\n" for key, folder in directories.items())
        + "[options]\nverbose = 0\ndebug = 0\nnocolor = yes\nmaxfiles = 65536\n"
        "hideconnect = yes\n",
        "modules.conf": "[modules]\nautoload = no\n#include modules_callcamp.conf\n"
        "#include modules_callcamp_phones.conf\n",
        "logger.conf": "[general]\n[logfiles]\nmessages.log => error,warning\n",
        "manager.conf": "[general]\nenabled = yes\nwebenabled = no\nbindaddr = 127.0.0.1\n"
        f"port = {ports.ami}\n#include manager_callcamp.conf\n"
        f"[{AMI_USERNAME}](callcamp-rights)\nsecret = {secret}\n"
        "deny = 0.0.0.0/0.0.0.0\npermit = 127.0.0.1/255.255.255.255\n",
        "extensions.conf": "[general]\nautofallthrough = yes\n#include extensions_callcamp.conf\n"
        "#include extensions_callcamp_phones.conf\n",
        "pjsip.conf": "[global]\ntype = global\nuser_agent = callcamp-lab\n"
        "[transport-udp]\ntype = transport\nprotocol = udp\n"
        f"bind = 127.0.0.1:{ports.sip}\n#include pjsip_trunk.conf\n"
        "#include pjsip_callcamp_agents.conf\n#include pjsip_callcamp_phones.conf\n"
        "#include pjsip_lab_agents.conf\n",
        "pjsip_lab_agents.conf": agents.endpoints(ports.agents),
        "queues.conf": "[general]\npersistentmembers = yes\n#include queues_callcamp.conf\n",
        "musiconhold.conf": f"[default]\nmode = files\ndirectory = {music}\n",
        "rtp.conf": f"[general]\nrtpstart = {RTP_PORTS[0]}\nrtpend = {RTP_PORTS[1]}\n"
        "icesupport = yes\n",
        # Asterisk's own defaults will do; without these files it complains or refuses.
        **dict.fromkeys(
            (
                "acl.conf",
                "amd.conf",
                "ccss.conf",
                "features.conf",
                "pjproject.conf",
                "udptl.conf",
            ),
            "",
        ),
        "indications.conf": "[general]\ncountry = fr\n[fr]\ndescription = France\n"
        "ringcadence = 1500,3500\ndial = 440\nbusy = 440/500,0/500\n",
        # Nobody reads call records here, and keeping them costs processor time.
        "cdr.conf": "[general]\nenable = no\n",
        "cel.conf": "[general]\nenable = no\n",
    }
