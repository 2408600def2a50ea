"""Take the README's pictures of the published site: run `asv publish`, then this.

    python docs/screenshots.py

needs Debian's `chromium` and `chromium-driver`, or what is called so elsewhere.
"""

import io
import shutil
from pathlib import Path

from PIL import Image
from selenium import webdriver

FOLDER = Path(__file__).parent
PAGES = FOLDER.parent / "html" / "kasv"
# A picture's name: the page, its width and height, and the colour scheme.
PICTURES = {
    "site.png": ("index.html", 1180, 1000, "light"),
    "site-work.png": ("work.html", 1180, 800, "light"),
    "site-releases.png": ("releases.html", 1180, 800, "light"),
    "site-phone.png": ("index.html", 390, 800, "dark"),
}
_COLOURS = 256


def main() -> None:
    """Write every picture beside this script."""
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        for name, (page, width, height, scheme) in PICTURES.items():
            picture = take(driver, page, width, height, scheme)
            picture.quantize(_COLOURS).save(FOLDER / name, optimize=True)
            print(f"{name}: {(FOLDER / name).stat().st_size / 1e3:.0f} KB")
    finally:
        driver.quit()


def take(driver: webdriver.Chrome, page: str, width: int, height: int, scheme: str) -> Image.Image:
    """Return a picture of the top of a page."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    driver.get((PAGES / page).as_uri())
    return Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")


if __name__ == "__main__":
    main()
