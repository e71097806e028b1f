"""A text as a square code that a phone reads with its camera (QR, ISO/IEC 18004)."""

from __future__ import annotations

import segno
from markupsafe import Markup

QUIET_ZONE = 4
"""Modules of light edge around the code: what the standard asks for."""


def picture(text: str, title: str) -> Markup:
    """Return a QR code as an SVG element to be put into a page.

    It has no style and no script, so the strict content security policy lets it be; its size
    is the page's to say, through the class ``qr``. It is dark on light on dark pages too:
    many cameras read nothing else.

    Args:
        text: what the phone reads; 2,331 bytes at most, the standard's limit.
        title: what it is, for those who do not see it.
    """
    code = segno.make_qr(text, error="m")
    return Markup(  # noqa: S704 - segno escapes the title; all else are numbers
        code.svg_inline(
            border=QUIET_ZONE,
            dark="#000",
            light="#fff",
            svgclass="qr",
            lineclass=None,
            omitsize=True,
            title=title,
        ).replace("<svg ", '<svg role="img" ', 1)
    )
