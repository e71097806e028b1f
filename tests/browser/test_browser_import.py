"""A file becomes contacts, in a real browser."""

from __future__ import annotations

import asyncio
import re

import pytest
from browser_kit import new_context
from playwright.async_api import expect

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=alert(1)>"
FILE = f"""phone_number,name,{EVIL}
+12025550101,Ada,Paris
202-555-0102,{EVIL},Rome
12,Bad,Lyon
+12025550101,Twice,Nice
"""


def upload(name="list.csv", text=FILE):
    """Return a file as Playwright hands it to a page."""
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


async def again(page, button):
    """Press a button that leads to a new preview, and wait for that."""
    before = page.url
    await page.get_by_role("button", name=button, exact=True).click()
    await expect(page).not_to_have_url(before)
    await page.wait_for_load_state()


async def test_browse_preview_map_confirm_undo(site, tab):
    engine, page = site.engine, tab.page
    campaign = await engine.campaign("Spring")
    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    await page.locator("input[type=file]").set_input_files(upload())
    await page.get_by_role("button", name="Upload and preview").click()
    await expect(page.locator("h1")).to_have_text("list.csv")
    await expect(page.locator("#import-counts")).to_contain_text("Valid2")
    await expect(page.locator('[data-label="Why"]')).to_have_count(2)
    await expect(page.locator('[data-label="Why"]').first).not_to_be_empty()
    await expect(page.get_by_text(EVIL).first).to_be_visible()
    assert (await engine.store.counts(campaign.id)).total == 0

    await page.get_by_label("Variable for name").fill("first_name")
    await again(page, "Preview again with these")
    await expect(page.get_by_label("Variable for name")).to_have_value("first_name")

    async with page.expect_download() as coming:
        await page.get_by_role("link", name="Download all of them").click()
    assert (await coming.value).suggested_filename == "list - left out.csv"

    await page.get_by_role("button", name="Confirm: import 2 contacts").click()
    await expect(page.get_by_role("status").first).to_contain_text("2 contacts were added")
    await page.get_by_role("link", name="To the campaign").click()
    await expect(page.locator("#contacts tbody tr")).to_have_count(2)
    await expect(page.locator("#contacts")).to_contain_text(EVIL)

    await page.get_by_role("button", name="Undo").click()
    await page.get_by_role("dialog").get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("status").first).to_contain_text("was undone")
    assert (await engine.store.counts(campaign.id)).total == 0


async def test_a_dropped_file_goes_straight_to_its_preview(site, tab):
    page = tab.page
    campaign = await site.engine.campaign("Spring")
    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    transfer = await page.evaluate_handle(
        """(text) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([text], "dropped.csv", { type: "text/csv" }));
          return transfer;
        }""",
        FILE,
    )
    await page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    await expect(page.locator("h1")).to_have_text("dropped.csv")


async def test_a_file_that_cannot_be_read_is_said_on_the_page(site, tab):
    page = tab.page
    campaign = await site.engine.campaign("Spring")
    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    await page.locator("input[type=file]").set_input_files(upload(text="%PDF-1.4"))
    tab.foresee("status of 400")
    await page.get_by_role("button", name="Upload and preview").click()
    await expect(page.locator("#toast")).to_contain_text("PDF")


async def test_too_large_a_file_is_not_even_sent(site, tab):
    page = tab.page
    campaign = await site.engine.campaign("Spring")
    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    await page.locator("input[type=file]").set_input_files(upload(text="1" * (3 << 20)))
    await page.get_by_role("button", name="Upload and preview").click()
    await expect(page.locator("#toast")).to_contain_text("larger than 2 MB")


async def test_contacts_are_exported(site, tab):
    page = tab.page
    campaign = await site.engine.campaign("Spring", 3)
    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    for link, name in (("Export .xlsx", "Spring.xlsx"), ("Contacts .csv", "Spring.csv")):
        async with page.expect_download() as coming:
            await page.get_by_role("link", name=link).click()
        assert (await coming.value).suggested_filename == name


async def test_without_scripts_a_file_is_imported_too(site, browser):
    campaign = await site.engine.campaign("Spring")
    context = await new_context(browser, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    await page.locator("input[type=file]").set_input_files(upload())
    await page.get_by_role("button", name="Upload and preview").click()
    await page.get_by_role("button", name="Confirm: import 2 contacts").click()
    await expect(page.get_by_role("status").first).to_contain_text("2 contacts were added")
    await context.close()


@pytest.fixture
def held(site, monkeypatch):
    """Hold every import in the middle of its work until the event is set."""
    going_on = asyncio.Event()

    def hold(name):
        real = getattr(site.engine.imports, name)

        async def work(*arguments, on_progress, **more):
            on_progress(0.25, 1234)
            await going_on.wait()
            return await real(*arguments, on_progress=on_progress, **more)

        monkeypatch.setattr(site.engine.imports, name, work)

    for name in ("preview", "confirm"):
        hold(name)
    return going_on


async def test_progress_is_shown_while_a_file_is_read_and_imported(site, tab, held):
    page = tab.page
    campaign = await site.engine.campaign("Spring")
    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    await page.locator("input[type=file]").set_input_files(upload())
    await page.get_by_role("button", name="Upload and preview").click()
    await expect(page.locator(".working")).to_contain_text("Reading: 25 % · 1\u202f234 rows")
    assert await page.locator(".working progress").get_attribute("value") == "0.25"
    held.set()
    await expect(page.locator("h1")).to_have_text("list.csv")
    held.clear()
    await page.get_by_role("button", name="Preview again with these").click()
    await expect(page.locator("#reading-again")).to_contain_text("Reading: 25 %")
    held.set()
    await expect(page).not_to_have_url(re.compile("/imports/1$"))
    held.clear()
    await page.get_by_role("button", name="Confirm: import 2 contacts").click()
    await expect(page.locator("#confirming")).to_contain_text("Importing: 25 %")
    # Another tab sees that it goes on, and does not offer it a second time.
    other = await tab.context.new_page()
    await other.goto(page.url)
    await expect(other.locator("[data-follow]")).to_contain_text("Importing: 25 %")
    await expect(other.get_by_role("button", name="Confirm")).to_have_count(0)
    held.set()
    await expect(page.get_by_role("status").first).to_contain_text("2 contacts were added")
    await expect(other.get_by_role("status").first).to_contain_text("2 contacts were added")


async def test_a_mapping_is_saved_applied_and_deleted(site, tab):
    page = tab.page
    campaign = await site.engine.campaign("Spring")
    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    await page.locator("input[type=file]").set_input_files(upload())
    await page.get_by_role("button", name="Upload and preview").click()
    await page.get_by_label("Variable for name").fill("first_name")
    await page.get_by_label("Save this mapping as").fill(EVIL)
    await again(page, "Save and preview")
    await expect(page.get_by_text("The mapping was saved")).to_be_visible()
    await expect(page.get_by_label("Saved mapping")).to_have_value(EVIL)

    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    await page.locator("input[type=file]").set_input_files(upload("second.csv"))
    await page.get_by_role("button", name="Upload and preview").click()
    await expect(page.get_by_label("Variable for name")).to_have_value("name")
    await page.get_by_label("Saved mapping").select_option(EVIL)
    await again(page, "Use it")
    await expect(page.get_by_label("Variable for name")).to_have_value("first_name")
    await expect(page.get_by_label("Saved mapping")).to_have_value(EVIL)

    await page.get_by_role("button", name="Delete it").click()
    await page.get_by_role("button", name="Keep it").click()
    assert len(await site.engine.store.mapping_presets()) == 1
    await page.get_by_role("button", name="Delete it").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete it").click()
    await expect(page.get_by_label("Saved mapping")).to_have_count(0)
    assert await site.engine.store.mapping_presets() == []


async def test_another_encoding_is_chosen(site, tab):
    page = tab.page
    campaign = await site.engine.campaign("Spring")
    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    file = upload()
    file["buffer"] = "tel;prénom\n+12025550101;Zoé\n".encode("cp437")
    await page.locator("input[type=file]").set_input_files(file)
    await page.get_by_role("button", name="Upload and preview").click()
    await expect(page.get_by_text("is a guess")).to_be_visible()
    await page.locator("select[name=encoding]").select_option("utf-8")
    tab.foresee("status of 400")
    await page.get_by_role("button", name="Preview again with these").click()
    await expect(page.locator("#reading-again [data-problem]")).to_contain_text("Line 1 is not utf")
    await expect(page.locator("#reading-again progress")).to_be_hidden()
    await page.locator("select[name=encoding]").select_option("cp437")
    await again(page, "Preview again with these")
    await expect(page.locator("select[name=encoding]")).to_have_value("cp437")
    await expect(page.get_by_label("Variable for prénom")).to_have_value("prenom")
    await expect(page.get_by_role("main")).to_contain_text("Zoé")
    await expect(page.get_by_text("is a guess")).to_have_count(0)
