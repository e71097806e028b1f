"""Agents' own phones in the lab: browsers over WebSocket, SIP phones that register.

The files of callcamp's ``asterisk/`` and ``dialplan/`` folders for them are used as they are,
so the lab tests those too. The phones themselves come later, see :func:`set_phones`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from callcamp.lab.ami import Ami
from callcamp.lab.info import LabInfo
from callcamp.lab.place import data_folder

PHONES: Final = "pjsip_callcamp_phones.conf"
"""The file of the phones: what ``callcamp agent phones --asterisk`` prints."""

_SHIPPED: Final = (
    ("asterisk", "modules_callcamp_phones.conf"),
    ("asterisk", "http_callcamp.conf"),
    ("asterisk", "pjsip_callcamp_agents.conf"),
    ("dialplan", "extensions_callcamp_phones.conf"),
)


def copy_shipped(folder: Path) -> None:
    """Copy what an admin would include into the configuration folder ``folder``."""
    for kind, name in _SHIPPED:
        shutil.copyfile(data_folder(kind) / name, folder / name)


def files(http_port: int) -> Mapping[str, str]:
    """Return further configuration files by name; there are no phones yet."""
    return {
        "http.conf": f"[general]\n#include http_callcamp.conf\nbindport = {http_port}\n",
        PHONES: "",
    }


def set_phones(info: LabInfo, sections: str) -> None:
    """Give the lab's Asterisk these phones in place of those that it has; calls go on.

    Args:
        info: of the lab.
        sections: what ``callcamp agent phones --asterisk`` prints.

    Raises:
        LabError: Asterisk does not run, or does not read them.
    """
    path = info.run_dir / "etc" / PHONES
    path.touch(mode=0o600)
    path.write_text(sections)
    with Ami(info.ami_host, info.ami_port, info.ami_username, info.ami_secret) as ami:
        ami.action("ModuleLoad", Module="res_pjsip.so", LoadType="reload")
