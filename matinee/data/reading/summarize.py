"""Makes the summary of a table that was read."""

from matinee.data.ratings import NO_TIME, Ratings
from matinee.data.reading.plausible import LIKED_PART, Tally, few_liked_note
from matinee.data.reading.summary import ColumnUse, ReadingSummary, ScaleEnds, TimeSpan
from matinee.data.reading.tables import ReadTable
from matinee.data.reading.times import day_of


def summary_of(
    read_table: ReadTable, ratings: Ratings, tally: Tally, notes: list[str]
) -> ReadingSummary:
    """The summary of a table.

    Args:
        read_table: as it was read.
        ratings: what became of it.
        tally: of their values.
        notes: sentences about guesses and implausible values.
    """
    columns, has_stars = read_table.columns, ratings.scale.has_stars
    found = columns.found or "by position"
    if columns.names and not columns.found:
        found = "by its usual name"
    uses = tuple(
        ColumnUse(
            columns.kind if role == "rating" else role,
            columns.name(role),
            "as given" if role in columns.given else found,
        )
        for role in columns.positions
    )
    threshold, n_liked, ends = None, None, None
    if has_stars:
        low, high = ratings.scale.lowest, ratings.scale.highest
        threshold = low + LIKED_PART * (high - low)
        n_liked = int(tally.counts[tally.values >= threshold].sum())
        few = few_liked_note(tally, n_liked, threshold)
        notes = [*notes, few] if few else notes
        ends = ScaleEnds(low, tally.count_of(low), high, tally.count_of(high))
    return ReadingSummary(
        layout=read_table.layout,
        columns=uses,
        unused=tuple(columns.names[position] for position in columns.unused()),
        n_rows=len(ratings),
        scale=ends,
        times=_time_span(ratings, read_table.values.time_unit),
        n_liked=n_liked,
        liked_from=threshold,
        notes=tuple(notes),
    )


def _time_span(ratings: Ratings, unit: str) -> TimeSpan | None:
    if ratings.timestamp is None:
        return None
    times = ratings.timestamp
    first, last = int(times.min()), int(times.max())
    if first == NO_TIME:
        known = times[times != NO_TIME]
        if len(known) == 0:
            return None
        first = int(known.min())
    return TimeSpan(unit, day_of(first), day_of(last))
