"""Well-known layouts that are not plain tables, found by their content.

netflix      the Netflix Prize: `1:`, then customer,rating,date
news         MIND: impressions such as `N1-1 N2-0`
matrix_market  MatrixMarket coordinates
lists        LightGCN: `user item item item`
matrix       users by items, such as Jester or a pivot table
plain        tables without a header: Steam-200k, Last.fm 360K
documents    JSON arrays and JSON by columns

The layouts of LINES are recognized by the first lines of a file, that of a matrix by its rows.
"""

from matinee.data.reading.layouts import lists, matrix_market, netflix, news
from matinee.data.reading.layouts.base import NamedLayout, Reading

LINES: tuple[NamedLayout, ...] = (
    netflix.LAYOUT,
    news.LAYOUT,
    matrix_market.LAYOUT,
    lists.LAYOUT,
)

__all__ = ["LINES", "NamedLayout", "Reading"]
