"""The table of where numbers are, against the library that it was drawn from."""

from __future__ import annotations

from pathlib import Path

from callcamp.cli.draw_places import redraw


def test_the_table_of_numbers_is_what_the_library_says_now() -> None:
    module = Path(__file__).resolve().parents[2] / "callcamp" / "core" / "area_codes.py"
    text = module.read_text(encoding="utf-8")
    fresh = redraw(text)
    assert fresh == text, f"run: python -m callcamp.cli.draw_places {module}"
