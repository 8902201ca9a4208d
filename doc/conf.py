"""Settings of the documentation: ``python -m sphinx -W -b html doc doc/_build/html``."""

import pathlib
import sys
import tomllib
import warnings

from skopu import __version__

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here / "_ext"))
urls = tomllib.loads((here.parent / "pyproject.toml").read_text())["project"].get("urls", {})

project = "skopu"
author = "the skopu developers"
copyright = "the skopu developers, BSD 3-Clause"
release = version = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "sphinx_design",
    "sphinx_copybutton",
    "mathml",
    "solutions",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
nitpicky = False
default_role = "autolink"  # of autosummary: a link where there is something to link to
html_math_renderer = "mathml"

autosummary_generate = True
numpydoc_show_class_members = False
# Named tuples, whose fields are attributes.
numpydoc_validation_exclude = {
    "IsotropyReport",
    "BenchReport",
    "BenchCalibration",
    "TransmissionReport",
    "RecoveredInputs",
    "SVDResult",
    "EighResult",
    "NystromResult",
    "DiagonalEstimate",
    "TraceEstimate",
    "MatmulEstimate",
    "LstsqResult",
}
numpydoc_validation_checks = {"SS02", "PR01", "PR02", "RT03"}

# Lists of other projects' names are kept here, so that a build needs no network.
intersphinx_mapping = {
    name: (url, f"_inventories/{name}.inv")
    for name, url in {
        "python": "https://docs.python.org/3/",
        "numpy": "https://numpy.org/doc/stable/",
        "scipy": "https://docs.scipy.org/doc/scipy/",
        "sklearn": "https://scikit-learn.org/stable/",
        "joblib": "https://joblib.readthedocs.io/en/stable/",
        "matplotlib": "https://matplotlib.org/stable/",
    }.items()
}
viewcode_line_numbers = True

html_theme = "pydata_sphinx_theme"
html_title = f"skopu {version}"
html_static_path = ["_static"]
html_css_files = ["skopu.css"]
html_show_sourcelink = False
html_favicon = "_static/favicon.svg"
html_context = {
    "default_mode": "auto",
    # A page's source at the repository, whose address pyproject.toml has once there is one.
    "edit_page_url_template": urls.get("Repository", "") + "/edit/main/doc/{{ file_name }}",
    "edit_page_provider_name": "the repository",
}
html_theme_options = {
    "use_edit_page_button": "Repository" in urls,
    "icon_links": [
        {"name": name, "url": url, "icon": "fa-solid fa-code-branch"}
        for name, url in urls.items()
        if name == "Repository"
    ],
    "navbar_align": "left",
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "header_links_before_dropdown": 4,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {
    page: []
    for page in (
        "changelog",
        "citing",
        "contributing",
        "glossary",
        "install",
        "instructors",
        "lightonml",
        "limits",
        "papers",
        "performance",
        "releasing",
    )
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "doc_module": "skopu",
    "backreferences_dir": "generated/backreferences",
    "within_subsection_order": "FileNameSortKey",
    "remove_config_comments": True,
    "show_memory": False,
    "write_computation_times": False,  # a page that loads scripts from elsewhere
    "capture_repr": (),
    "min_reported_time": 1,
    "download_all_examples": False,
    "abort_on_example_error": True,
}

# Figures go to the page instead of a window.
warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")
