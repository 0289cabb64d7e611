"""A report on a saved model, for people who know nothing of it: one page of HTML, or one JSON object.

`collect` gathers all that is said, `page` sets it as one self-contained page.
"""

from matinee.files import check_page_name
from matinee.report.content import Content, collect
from matinee.report.page import page, save_page

__all__ = ["Content", "check_page_name", "collect", "page", "save_page"]
