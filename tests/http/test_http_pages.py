from __future__ import annotations


async def test_list(client, engine):
    await engine.campaign("Renewal <b>drive</b>", 3)
    response = await client.get("/")
    text = await response.text()
    assert response.status == 200, text
    assert "Call Campaigns" in text
    assert "Renewal &lt;b&gt;drive" in text


async def test_page(client, engine):
    campaign = await engine.campaign("x", 3)
    for path in (
        f"/campaigns/{campaign.id}",
        "/campaigns/new",
        "/trunks",
        f"/campaigns/{campaign.id}/edit",
        f"/campaigns/{campaign.id}/stop",
        f"/campaigns/{campaign.id}/contacts",
        "/api/v1/campaigns",
        "/nothing",
    ):
        response = await client.get(path)
        text = await response.text()
        print(path, response.status, len(text))
        if path == "/nothing":
            print(text)
        assert response.status < 500, text
