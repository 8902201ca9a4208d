"""Notebooks of the gallery whose solutions are folded, as they are on its pages.

Code is hidden as JupyterLab and Notebook 7 hide it; what is said of it, as browsers do.
"""

import json
import pathlib
import zipfile

_OPEN = ".. raw:: html\n\n    <details>"
_CLOSE = ".. raw:: html\n\n    </details>"


def _fold(notebook):
    cells, hidden = [], False
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            if _OPEN in text:
                hidden, text = True, text.partition(_OPEN)[0] + "**Solution**"
            elif _CLOSE in text:
                hidden, text = False, text.partition(_CLOSE)[0]
                if text.strip():
                    text = f"<details><summary>In words</summary>\n\n{text}\n\n</details>"
            if not text.strip():
                continue
            cell["source"] = [text.strip()]
        elif hidden:
            cell["metadata"]["jupyter"] = {"source_hidden": True, "outputs_hidden": True}
        cells.append(cell)
    notebook["cells"] = cells


def _fold_all(app):
    for path in (pathlib.Path(app.srcdir) / "auto_examples").rglob("*.ipynb"):
        notebook = json.loads(path.read_text())
        _fold(notebook)
        path.write_text(json.dumps(notebook, indent=2))
        _pack_again(path.with_suffix(".zip"), path)


def _pack_again(archive, notebook):
    """Exchange the notebook in the archive of script and notebook."""
    with zipfile.ZipFile(archive) as old:
        contents = {name: old.read(name) for name in old.namelist()}
    contents[notebook.name] = notebook.read_bytes()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in contents.items():
            new.writestr(name, data)


def setup(app):
    """Register the step, after the gallery has written its notebooks."""
    app.connect("builder-inited", _fold_all, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
