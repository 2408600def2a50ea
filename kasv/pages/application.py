"""Fit asv's published page into the site: its scripts at home, a policy, a way to our pages."""

import html
import json
import re
from pathlib import Path

from kasv import vendor
from kasv.datasets.cache import arrays_folder
from kasv.datasets.sources import say

# asv's page and its libraries set styles within the page; nothing else is allowed them.
_POLICY = (
    "default-src 'none'; script-src 'self'{script}; style-src 'self' 'unsafe-inline'{link}; "
    "font-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'"
)
_ADDRESS = re.compile(r"https?://[\w.:/@%+-]+")  # what cannot end a directive of the policy
# What asv runs when a script from elsewhere does not arrive; no policy of ours lets it.
_FAILURE = re.compile(
    r'<script type="text/javascript">\s*function js_load_failure\(\) \{[^}]*\}\s*</script>'
)
_FIRST_LINK = '<li id="nav-li-" class="active">'
_LINK = '<li id="nav-li-kasv"><a href="kasv/index.html">Leaderboards</a></li>\n\t'
# asv writes the tags side by side above a graph, where sixty releases hide one another.
_STYLE = """<style>
      #graph > div:first-child { top: 100px !important; }
      #main-graph > div[style*="-2ex"] {
        transform: translateX(7px) rotate(-90deg); transform-origin: left bottom;
        white-space: nowrap; pointer-events: none;
        background: none !important; font-size: 10px !important;
      }
    </style>
  </head>"""
_WITHOUT_SCRIPTS = (
    '<noscript><p style="margin: 70px 1em">These graphs need scripts; the '
    '<a href="kasv/index.html">leaderboards</a> do not.</p></noscript>'
)


def adapt(html_dir: Path) -> None:
    """Rewrite `index.html`, asv's copy in the published site."""
    path = html_dir / "index.html"
    page = path.read_text(encoding="utf-8")
    page = vendor.localise(page, html_dir, arrays_folder().parent / "vendor")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_policy(page)}">'
    page = _FAILURE.sub("", page).replace("<head>", f"<head>\n    {policy}", 1)
    if _FIRST_LINK not in page:
        say("warning: asv's page has no navigation as it was: nothing in it leads to our pages")
    page = page.replace(_FIRST_LINK, _LINK + _FIRST_LINK, 1)
    page = page.replace("</head>", _STYLE, 1)
    page = page.replace("<body>", f"<body>\n    {_WITHOUT_SCRIPTS}", 1)
    path.write_text(page, encoding="utf-8")


def escape_tooltips(html_dir: Path) -> None:
    """Escape what asv's page shows as HTML: what is known of machines, and benchmarks' code."""
    path = html_dir / "index.json"
    index = json.loads(path.read_text(encoding="utf-8"))
    for machine in index["machines"].values():
        machine.update({key: html.escape(str(value)) for key, value in machine.items()})
    for benchmark in index["benchmarks"].values():
        benchmark["code"] = html.escape(benchmark.get("code", ""))
    path.write_text(json.dumps(index), encoding="utf-8")


def _policy(page: str) -> str:
    """Return a policy that lets the page's own files through, and what it needs from elsewhere."""
    sources = {"script": "", "link": ""}
    for asset in vendor.assets(page):
        if _ADDRESS.fullmatch(asset.address):
            sources[asset.kind] += f" {asset.address}"
    return _POLICY.format(**sources)
