"""Exports as downloads."""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile

import openpyxl
import pytest
from aiohttp import ClientError

import callcamp.http.exports as under_test


async def test_csv_of_contacts_and_of_calls(client, engine):
    campaign = await engine.campaign('Spring "été"\r\n'.strip())
    await engine.add(campaign.id, 3, name="=1+1")
    response = await client.get(f"/campaigns/{campaign.id}/export.csv")
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "%C3%A9t%C3%A9" in response.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO((await response.read()).decode("utf-8-sig"))))
    assert len(rows) == 4
    assert "=1+1" not in [cell for row in rows for cell in row if cell.startswith("=")]
    calls = await client.get(f"/campaigns/{campaign.id}/export.csv?what=calls")
    assert len((await calls.text()).splitlines()) == 1
    assert "calls" in calls.headers["Content-Disposition"]


async def test_a_workbook(client, engine):
    campaign = await engine.campaign("Spring", 3)
    response = await client.get(f"/campaigns/{campaign.id}/export.xlsx")
    assert response.status == 200
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    book = openpyxl.load_workbook(io.BytesIO(await response.read()))
    assert len(book.sheetnames) == 2
    book.close()


async def test_what_cannot_be_exported(client, engine):
    campaign = await engine.campaign("Spring", 3)
    assert (await client.get("/campaigns/99/export.csv")).status == 404
    assert (await client.get(f"/campaigns/{campaign.id}/export.csv?what=all")).status == 400
    assert (await client.get(f"/campaigns/{campaign.id}/export.pdf")).status == 404


async def test_a_browser_that_goes_away_leaves_no_folder_behind(
    client, engine, tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    writing, ended = asyncio.Event(), asyncio.Event()

    async def never_done(*_args, **_options):
        writing.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(under_test, "export_campaign", never_done)
    campaign = await engine.campaign("Spring", 3)
    asked = asyncio.create_task(client.get(f"/campaigns/{campaign.id}/export.csv"))
    await writing.wait()
    assert list(tmp_path.glob("callcamp-export-*"))
    asked.cancel()
    with pytest.raises((asyncio.CancelledError, ClientError)):
        await asked
    async with asyncio.timeout(60):
        await ended.wait()
    assert not list(tmp_path.glob("callcamp-export-*"))
