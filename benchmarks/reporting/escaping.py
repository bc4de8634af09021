"""Any text as Markdown, LaTeX and a file's name: shown as it is, markup nowhere. (For HTML there is `html.escape`.)"""

from __future__ import annotations

import hashlib
import re
import unicodedata

_MARKDOWN = {c: f"&#{ord(c)};" for c in "\\`*[]<>|~$"} | {"&": "&amp;"}
"""As entities, which GitHub, Python-Markdown and HTML read alike; a backslash before ``|`` or ``~`` they do not."""

_OUTER = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""An underscore that is not within a word: it may open or close emphasis."""

_BLOCK = re.compile(r"^(\s*)(#(?=#*(?:\s|$))|[+-](?=\s|$)|[-=](?=[-=\s]*$)|\d+(?=[.)](?:\s|$)))")
"""What makes a heading, a list or a rule of the line that it begins."""

_BREAKS = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")

_SIGNS = {
    "±": r"$\pm$",
    "×": r"$\times$",
    "÷": r"$\div$",
    "¬": r"$\lnot$",
    "µ": r"$\mu$",
    "·": r"$\cdot$",
    "−": "$-$",
    "∞": r"$\infty$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "≠": r"$\ne$",
    "≈": r"$\approx$",
    "⊥": r"$\perp$",
    "√": r"$\surd$",
    "∑": r"$\sum$",
    "∂": r"$\partial$",
    "∈": r"$\in$",
    "†": r"$\dagger$",
    "‡": r"$\ddagger$",
    "✓": r"$\checkmark$",
    "⚠": "(!)",
    "…": r"\dots{}",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "←": r"$\leftarrow$",
    "→": r"$\rightarrow$",
    "↔": r"$\leftrightarrow$",
    "▲": r"$\blacktriangle$",
    "▼": r"$\blacktriangledown$",
    "–": "--",
    "—": r"\textemdash{}",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "„": r"\quotedblbase{}",
    "\u00a0": "~",
    "\u00ad": r"\-",
}

_NAMES = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "varsigma", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
)  # fmt: skip
_CAPITALS = ("gamma", "delta", "theta", "lambda", "xi", "pi", "sigma", "upsilon", "phi", "psi", "omega")

_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρςστυφχψωΓΔΘΛΞΠΣΥΦΨΩ",
        [rf"$\{name}$" for name in [*_NAMES, *map(str.capitalize, _CAPITALS)]],
        strict=True,
    )
)

_POWERS = {c: f"$^{{{d}}}$" for c, d in zip("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789", strict=True)} | {
    c: f"$_{{{d}}}$" for c, d in zip("₋₀₁₂₃₄₅₆₇₈₉", "-0123456789", strict=True)
}

_LATEX = {
    "\\": r"\textbackslash{}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    **{c: f"{{{c}}}" for c in "[]*"},  # after \\ they would be its argument
    "-": "-{}",  # two of them would be a dash
    ",": ",{}",  # two of them would be a quotation mark
    "?": "?{}",
    "!": "!{}",
    **_SIGNS,
    **_GREEK,
    **_POWERS,
}


def markdown(text: str) -> str:
    """`text` for a line or a cell of Markdown.

    >>> markdown("a|b <i>*x*</i> x_1 _y_")
    'a&#124;b &#60;i&#62;&#42;x&#42;&#60;/i&#62; x_1 &#95;y&#95;'
    """
    escaped = "".join(_MARKDOWN.get(c, c) for c in _BREAKS.sub(" ", text))
    escaped = _OUTER.sub("&#95;", escaped)
    return _BLOCK.sub(lambda found: f"{found[1]}{''.join(f'&#{ord(c)};' for c in found[2])}", escaped)


def latex(text: str) -> str:
    """`text` for LaTeX. A character that pdfTeX cannot set in the fonts of every installation is its code point.

    >>> latex("50 % of x_1, 中"), latex("[a]")
    ('50 \\\\% of x\\\\_1,{} \\\\texttt{U+4E2D}', '{[}a{]}')
    """
    whole = unicodedata.normalize("NFC", _BREAKS.sub(" ", text).replace("\t", " "))
    return "".join(_LATEX.get(c) or (c if _settable(c) else rf"\texttt{{U+{ord(c):04X}}}") for c in whole)


_UNSET = set("ĈĉĊċĦħĨĩĬĭĴĵĸĿŀŊŉŦŧſ")
"""Letters of Latin Extended-A for which LaTeX's encoding T1 has no letter and no accent, or not everywhere."""


def _settable(c: str) -> bool:
    return " " <= c <= "~" or ("\u00a1" <= c <= "\u017f" and c not in _UNSET)


def file_name(text: str) -> str:
    """A name of a file, an anchor and a label of LaTeX: letters, digits, ``_ . -``; other texts have other names.

    >>> file_name("dcm_corrected"), file_name("../50 % [a]")
    ('dcm_corrected', '50_a-10c4d3')
    """
    safe = re.sub(r"[^\w.-]+", "_", text, flags=re.ASCII).strip("_.-")
    if safe == text and 0 < len(text) <= 100:
        return text
    return f"{safe[:100]}-{hashlib.sha256(text.encode('utf-8', 'backslashreplace')).hexdigest()[:6]}".lstrip("-")
