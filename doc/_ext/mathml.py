"""Formulas as MathML, which browsers draw themselves: no script, no network."""

import re
from xml.etree import ElementTree

from docutils.nodes import SkipNode
from latex2mathml.converter import convert

MINUS, TIGHT = "\N{MINUS SIGN}", "|/\N{DOUBLE VERTICAL LINE}"
ROWS, SCRIPTS = ("mrow", "msqrt"), ("msub", "msup", "msubsup")
NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'


def _mathml(node, display):
    latex = node.astext()
    if ">>>" in latex:
        raise ValueError(f"Code within a formula: separate them by a line of text.\n{latex}")
    # Only a letter in braces becomes the double-struck character; browsers ignore mathvariant.
    latex = re.sub(r"\\mathbb\s*(\w)", r"\\mathbb{\1}", latex)
    formula = ElementTree.fromstring(convert(latex, display=display).replace(NAMESPACE, ""))
    for row in list(formula.iter()):
        if row.tag in ROWS:
            _set_spaces(row)
    found = ElementTree.tostring(formula, encoding="unicode")
    if "\\" in found:
        raise ValueError(f"A command that the converter does not know, in {latex}")
    return found


def _set_spaces(row):
    """Space a row as LaTeX would."""
    place, before = 0, None
    for child in list(row):
        after = row[place + 1] if place + 1 < len(row) else None
        core = child[0] if child.tag in SCRIPTS and len(child) else child
        if core.text == ";":
            core.tag = "mo"
        if core.tag == "mo" and core.text in TIGHT:  # bars of a modulus
            core.attrib.update(lspace="0", rspace="0")
        elif core.text == MINUS and (before is None or before.text in list("([{,;=")):
            core.set("form", "prefix")
        elif core.tag in ("mi", "mo") and len(core.text or "") > 1:  # the name of a function
            core.tag = "mi"
            if before is not None and (before.tag not in ("mo", "mspace") or before.text == ")"):
                row.insert(place, _thin_space())
                place += 1
            if after is not None and after.tag not in ("mo", "mspace"):
                row.insert(place + 1, _thin_space())
                place += 1
        place, before = place + 1, child


def _thin_space():
    return ElementTree.Element("mspace", width="0.167em")


def _inline(visitor, node):
    visitor.body.append(_mathml(node, "inline"))
    raise SkipNode


def _block(visitor, node):
    visitor.body.append(f'<div class="formula">{_mathml(node, "block")}</div>')
    raise SkipNode


def setup(app):
    """Register the renderer, as Sphinx wants it."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
