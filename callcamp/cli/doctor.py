"""``callcamp doctor``: what is wrong, and how to mend it."""

from __future__ import annotations

import difflib
import os
import shutil
import stat
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.text import Text

from callcamp.cli.output import emit_json, out, text
from callcamp.cli.session import JsonOption, run, session
from callcamp.errors import CallcampError
from callcamp.settings import Settings

_STYLE = {"ok": "green", "warn": "yellow", "fail": "bold red"}
_LOW_DISK_MIB, _NO_DISK_MIB = 1000, 100
_PREFIX = "CALLCAMP_"
_OTHERS = frozenset(
    _PREFIX + name
    for name in (
        *("AMI_SECRET_FILE", "ASTERISK_CONF", "EXTERNAL_ADDRESS", "RUN_DIR"),
        *("SIP_PORT", "WEB_PORT", "MODEL_SEEDS"),
    )
)
"""What the containers and the tests read: no settings, and no mistakes."""


def doctor(context: typer.Context, json: JsonOption = False) -> None:
    """Check settings, database and Asterisk, and say how to mend what is wrong."""
    # Lazily: see callcamp.cli.session.
    from callcamp.app import make_gateway, open_store
    from callcamp.engine.doctor import (
        Check,
        Verdict,
        check_schema,
        check_store,
        check_switch,
    )

    config = session(context).config or Path("callcamp.toml")

    async def work(settings: Settings) -> list[Check]:
        checks = _check_files(config, settings, await _pages(settings))
        checks.append(await check_schema(settings.database_url))
        gateway = make_gateway(settings)
        address = f"{settings.ami_host}:{settings.ami_port}"
        try:
            async with open_store(settings) as store:
                checks += await check_store(store, settings.database_url)
                checks += await check_switch(gateway, address, store, now=datetime.now(UTC))
        except CallcampError:
            # The database is reported already; Asterisk is looked at all the same.
            checks += await check_switch(gateway, address, None, now=datetime.now(UTC))
        finally:
            await gateway.close()
        return checks

    def _check_files(
        config: Path, settings: Settings, pages: tuple[str, str, str, str]
    ) -> list[Check]:
        return [
            Check(name, Verdict(verdict), found, mend)
            for name, verdict, found, mend in (
                _look_at(config),
                _environment(os.environ),
                pages,
                _disk_of(settings.data_dir),
            )
        ]

    checks = run(context, work, json=json)
    failed = any(check.verdict is Verdict.FAIL for check in checks)
    if json:
        emit_json({"ok": not failed, "checks": checks})
    else:
        for check in checks:
            line = Text.assemble(
                (f"{check.verdict.value:<5}", _STYLE[check.verdict]),
                text(f"{check.name:<12} ", "bold"),
                text(check.text),
            )
            out().print(line, soft_wrap=True)
            if check.mend:
                out().print(text(f"{'':18}To mend it: {check.mend}"), soft_wrap=True)
        counts = Counter(check.verdict.value for check in checks)
        out().print(", ".join(f"{n} {verdict}" for verdict, n in counts.items()))
    if failed:
        raise typer.Exit(1)


def _look_at(config: Path) -> tuple[str, str, str, str]:
    if not config.is_file():
        return (
            "settings",
            "warn",
            f"There is no {config}; settings come from the environment and the defaults.",
            "Run `callcamp init` in the folder where callcamp shall run.",
        )
    if config.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP):
        return (
            "settings",
            "warn",
            f"{config} holds a secret, and others may read or change it.",
            f"chmod 600 {config}",
        )
    return "settings", "ok", f"{config.resolve()} can be used.", ""


def _environment(variables: Mapping[str, str]) -> tuple[str, str, str, str]:
    known = {_PREFIX + name.upper() for name in Settings.model_fields}
    strange = sorted(
        name
        for name in variables
        # Settings are found in any case of letters.
        if name.upper().startswith(_PREFIX)
        and name.upper() not in known | _OTHERS
        and not name.upper().startswith(f"{_PREFIX}TEST_")
    )
    if not strange:
        return "environment", "ok", f"Every variable {_PREFIX}… that is set is a setting.", ""
    meant = ""
    for name in strange:
        for near in difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.85):
            meant += f" Perhaps {near} was meant with {name}."
    return (
        "environment",
        "warn",
        f"These variables are no settings and do nothing: {', '.join(strange)}.{meant}",
        "Correct their names or unset them; docs/settings.md lists every setting.",
    )


async def _pages(settings: Settings) -> tuple[str, str, str, str]:
    from callcamp.app import check_address
    from callcamp.http.peer import is_loopback

    host = settings.http_host
    try:
        await check_address(settings)
    except CallcampError as error:
        mend = f"Do what that says, or set http_host ({_PREFIX}HTTP_HOST) to 127.0.0.1."
        return "pages", "fail", f"`callcamp serve` will not start. {error.message}", mend
    if is_loopback(host):
        return "pages", "ok", f"They are for this machine alone ({host}).", ""
    return "pages", "ok", f"They are for the network ({host}); there is an administrator.", ""


def _disk_of(data_dir: Path) -> tuple[str, str, str, str]:
    folder = data_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    free_mib = shutil.disk_usage(folder).free // 2**20
    verdict = "fail" if free_mib < _NO_DISK_MIB else "warn" if free_mib < _LOW_DISK_MIB else "ok"
    mend = "" if verdict == "ok" else "Free some space: a full disk stops every campaign."
    return "disk", verdict, f"{free_mib:,} MiB are free in {folder}.", mend
