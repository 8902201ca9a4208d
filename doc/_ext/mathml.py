"""Formulas as MathML, which browsers draw themselves: no script, no network."""

from docutils.nodes import SkipNode
from latex2mathml.converter import convert


def _mathml(node, display):
    latex = node.astext()
    if ">>>" in latex:
        raise ValueError(f"Code within a formula: separate them by a line of text.\n{latex}")
    return convert(latex, display=display)


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
