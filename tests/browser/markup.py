"""Texts that a careless page, chart, link or terminal would act on instead of showing."""

SCRIPT = "window.__xss=1"

TAGS = (
    f"<script>{SCRIPT}</script>",
    f"</title></textarea></script><script>{SCRIPT}</script>",
    f"<ScRiPt/x>{SCRIPT}</sCrIpT >",
    f"<<script>{SCRIPT}//<</script>",
    f"<img src=x onerror={SCRIPT}>",
    f"<img src='x' onerror='{SCRIPT}' alt='",
    f"<video><source onerror={SCRIPT}></video>",
    f"<details open ontoggle={SCRIPT}>x</details>",
    f"<input autofocus onfocus={SCRIPT}>",
    f"<body onload={SCRIPT}>",
    f"<iframe srcdoc='<script>parent.{SCRIPT}</script>'></iframe>",
    '<base href="//127.0.0.1:9/"><form action=javascript:1><button>x</button></form>',
    "<style>*{display:none}</style><plaintext>",
    "<template><b>x</template><!--<p --!><b>",
)
ATTRIBUTES = (
    f'" onmouseover="{SCRIPT}" autofocus onfocus="{SCRIPT}" x="',
    f"' onmouseover='{SCRIPT}' x='",
    f"`onmouseover={SCRIPT} ",
    '"><b data-hx-get="/api/v1/schema/" data-hx-trigger="load">x</b>',
    f'"><i hx-on:load="{SCRIPT}" hx-get="/healthz" hx-trigger="load">x</i>',
)
SVG = (
    f"<svg onload={SCRIPT}>",
    f"<svg><animate onbegin={SCRIPT} attributeName=x dur=1s>",
    "<svg><a xlink:href='javascript:window.__xss=1'><text y=20>x</text></a></svg>",
    f"<math><mtext><table><mglyph><style><!--</style><img title='--><img src onerror={SCRIPT}>'>",
)
ADDRESSES = (
    f"javascript:{SCRIPT}",
    f"JaVaScRiPt:{SCRIPT}//https://shop.example/",
    f" \tjava\nscript:{SCRIPT}",
    "data:text/html,<script>parent.window.__xss=1</script>",
    "vbscript:msgbox(1)",
    f"//shop.example/%0ajavascript:{SCRIPT}",
)
MARKDOWN = (
    f"[a link](javascript:{SCRIPT})",
    f"[a link](JAVASCRIPT&colon;{SCRIPT})",
    f"![an image](http://127.0.0.1:9/x.png)![x](javascript:{SCRIPT})",
    f"<javascript:{SCRIPT}> <data:text/html,x>",
    f"[ref]: javascript:{SCRIPT}\n[a reference][ref]",
)
TEMPLATES = (
    "{{ 7|add:7 }}{% debug %}{% load static %}",
    "${7*7}#{7*7}<%= 7*7 %>{{constructor.constructor('window.__xss=1')()}}",
    "%s%n{0.__class__}{request.user.password}",
)
PLOTLY = (
    f'<a href="javascript:{SCRIPT}">a point</a><br><b>x</b><extra></extra>',
    '<span style="position:fixed;inset:0">%{y}%{customdata}</span>',
)
SHEETS = ('=HYPERLINK("http://127.0.0.1:9/","x")', "@SUM(1+1)*cmd|' /C calc'!A0")
CHARACTERS = (
    "\u202etxt.exe\u202c \u2066x\u2069",
    "zero\u200bwidth\u200d\ufeff\u2060",
    "\x1b[2J\x1b]0;title\x07\x1b[31mred",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349\u035a\u032f",
    "Ω" * 250,
    "W" * 250,
)
CORPUS = (
    *TAGS, *ATTRIBUTES, *SVG, *ADDRESSES, *MARKDOWN, *TEMPLATES, *PLOTLY, *SHEETS, *CHARACTERS,
)  # fmt: skip
