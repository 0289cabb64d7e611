"""A report on a saved model, for readers who do not know it: an HTML page or a JSON object.

`collect` gathers the content, and `page` turns it into a self-contained page.
"""

from matinee.files import check_page_name
from matinee.report.content import Content, collect
from matinee.report.page import page, save_page

__all__ = ["Content", "check_page_name", "collect", "page", "save_page"]
