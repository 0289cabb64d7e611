"""Runs the notebooks of notebooks/ on the sample and writes them with their outputs as pages of docs/course/."""

import os
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"
FOLDER = Path(__file__).parent / "course"
SECONDS = 300
"""Longest time for a cell."""

FIGURES = """\
import matplotlib
import matplotlib_inline.backend_inline
matplotlib.rcParams["svg.hashsalt"] = "matinee"
matplotlib_inline.backend_inline.set_matplotlib_formats("svg", metadata={"Date": None})
"""
"""What the kernel runs first: figures as SVG, the same bytes each time."""

TEMPLATE = """\
{%- extends 'markdown/index.md.j2' -%}
{%- block stream %}

```text
{{ output.text.rstrip() }}
```
{% endblock stream %}
{%- block data_text scoped %}

```text
{{ output.data['text/plain'] }}
```
{% endblock data_text %}
"""
"""Outputs as blocks of text of their own."""


def page_name(notebook: Path) -> str:
    """The name of the page, such as "1-a-table-and-a-dot-product.md"."""
    return f"{notebook.stem}.md"


def with_page_links(text: str) -> str:
    """Links between notebooks, and from them to pages, as links between pages."""
    text = re.sub(r"\]\((\d-[\w-]+)\.ipynb", r"](\1.md", text)
    return text.replace("](../docs/", "](../")


def rendered(notebook: Path) -> tuple[str, dict[str, bytes]]:
    """The page of a notebook, with what its cells put out, and the figures by name."""
    import nbformat
    from nbclient import NotebookClient
    from nbconvert import MarkdownExporter

    content: Any = nbformat.read(notebook, as_version=4)
    first = nbformat.v4.new_code_cell(FIGURES)
    content.cells.insert(0, first)
    client = NotebookClient(content, timeout=SECONDS, resources={"metadata": {"path": str(ROOT)}})
    client.extra_arguments = ["--log-level=ERROR"]
    client.execute()
    content.cells.pop(0)
    exporter = MarkdownExporter(raw_template=TEMPLATE)
    resources = {"unique_key": notebook.stem, "output_files_dir": notebook.stem}
    text, found = exporter.from_notebook_node(content, resources)
    note = f"*The notebook `notebooks/{notebook.name}`, with its outputs for the sample.*"
    heading, _, rest = text.lstrip().partition("\n")
    text = f"{heading}\n\n{note}\n{rest}"
    return _tidied(with_page_links(text)), found["outputs"]


def _tidied(text: str) -> str:
    """Without blanks at the ends of lines."""
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).strip() + "\n"


def main() -> None:
    """Writes all pages, or those of the notebooks whose numbers are given."""
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    FOLDER.mkdir(exist_ok=True)
    for notebook in sorted(NOTEBOOKS.glob("*.ipynb")):
        if len(sys.argv) > 1 and notebook.name[0] not in sys.argv[1:]:
            continue
        text, figures = rendered(notebook)
        for name, data in figures.items():
            path = FOLDER / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        (FOLDER / page_name(notebook)).write_text(text, encoding="utf-8")
        print(f"written: course/{page_name(notebook)}")


if __name__ == "__main__":
    main()
