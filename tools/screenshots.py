"""Take the pictures of the README from the committed pages, with a real browser.

python tools/screenshots.py docs/pictures
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

from tools.browser import Browser, installed

ROOT = Path(__file__).resolve().parents[1]
#: name -> page, fragment, height of a screen of 1280 pixels
PICTURES = {
    "report": (ROOT / "reports" / "digits" / "report.html", "en", 830),
    "index": (ROOT / "reports" / "index.html", "", 600),
}


def main() -> None:
    """Write a picture of each page, light and dark."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    program = installed()
    if program is None:
        raise SystemExit("no browser is installed: apt-get install chromium fonts-wqy-microhei")
    with Browser(program) as browser:
        for name, (page, fragment, height) in PICTURES.items():
            for dark in (False, True):
                with browser.page(page, fragment, height=height, dark=dark) as shown:
                    answer = shown.call("Page.captureScreenshot", format="webp", quality=85)
                path = folder / f"{name}{'-dark' if dark else ''}.webp"
                path.write_bytes(base64.b64decode(answer["data"]))


if __name__ == "__main__":
    main()
