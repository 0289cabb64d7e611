"""The scale of the ratings in a person's file, and its conversion to that of a model."""

from collections.abc import Sequence

from matinee.data.personal.given_ratings import highest_in_name, rating_in
from matinee.data.personal.rows import Row
from matinee.data.personal.site_exports import Export, Format
from matinee.data.ratings import Scale
from matinee.data.reading.options import ValueRange
from matinee.data.reading.schema import plain_name
from matinee.errors import DataError

_HIGHEST_OF_IMDB = 10


def file_scale(
    export: Export,
    rows: Sequence[Row],
    model_scale: Scale,
    given: ValueRange | None,
    *,
    skips_outside: bool,
) -> Scale:
    """The scale of the ratings in a file.

    That of the site; for a table that a person wrote, what its cells ("4/5") or the name of
    its column ("Rating10") say, else that of the model.

    Args:
        given: its lowest and its highest rating, where a person said them.
        skips_outside: whether ratings outside the scale are left out later.

    Raises:
        DataError: the ratings are on another scale that nothing tells, or on one of two.
    """
    if not model_scale.has_stars:
        return export.form.scale or model_scale
    if given is not None:
        return Scale(given.lowest, given.highest, 1.0)
    if export.form.scale is not None:
        return export.form.scale
    if not export.form.is_typed:
        return model_scale
    ratings = [one for row in rows if not row.problem and (one := rating_in(row.rating))]
    ends = {one.highest for one in ratings}
    highest = highest_in_name(export.rating_column)
    if len(ends) == 1 and ends != {None}:
        highest = ends.pop()
    elif len(ends) > 1:
        raise DataError(
            "Some ratings have a denominator, such as 4/5, and others have none or another one; "
            "write all of them in the same way."
        )
    if highest is not None:
        return Scale(0.0, highest, 1.0)
    _refuse_what_may_be_imdb(export, rows, [one.value for one in ratings], model_scale)
    if not skips_outside:
        refuse_outside(rows, model_scale)
    return model_scale


def refuse_outside(rows: Sequence[Row], scale: Scale) -> None:
    """Raises DataError for a rating outside a scale, which may be one on another scale."""
    for row in rows:
        given = None if row.problem else rating_in(row.rating)
        if given is not None and not scale.allows(given.value):
            raise DataError(
                f"Row {row.row}: the rating {given.value:g} for '{row.shown}' is outside the scale "
                f"{scale}. {_ways_out(scale, given.value)}"
            )


def _ways_out(scale: Scale, value: float) -> str:
    if value <= scale.highest:
        return "Give --skip-bad-rows to leave out such rows."
    highest = next((end for end in (5, 10, 20, 100) if value <= end), None)
    if highest is None:
        return "Give --skip-bad-rows to leave out such rows."
    return (
        f"If the ratings are out of {highest}, call their column rating{highest} or give "
        f"--ratings-scale 1:{highest}; --skip-bad-rows leaves out such rows."
    )


def _refuse_what_may_be_imdb(
    export: Export, rows: Sequence[Row], values: Sequence[float], scale: Scale
) -> None:
    """Raises DataError for low ratings that may be IMDb's or on the scale of the model."""
    has_sign = plain_name(export.rating_column) == "yourrating" or any(row.imdb for row in rows)
    are_whole = bool(values) and all(value.is_integer() for value in values)
    if not (has_sign and are_whole and scale.highest < _HIGHEST_OF_IMDB):
        return
    if max(values) <= scale.highest:
        raise DataError(
            f"The ratings may be on IMDb's scale, 1 to 10, or on the scale here, {scale}: none "
            f"is above {scale.highest:g}. Give --ratings-scale 1:10 or --ratings-scale "
            f"{scale.lowest:g}:{scale.highest:g}, or call the column rating10 or "
            f"rating{scale.highest:g}."
        )


def on_scale(given: float, given_on: Scale, model_scale: Scale) -> float:
    """A rating converted to another scale.

    It is in proportion to the highest rating or, if a scale goes below zero, to the distance
    from the lowest one. The result is rounded to the steps of the model's scale, halves up; it
    is 1 if the model has no stars.
    """
    lowest, highest, step = model_scale
    if not model_scale.has_stars:
        return lowest
    if min(lowest, given_on.lowest) >= 0:
        stars = given * highest / given_on.highest
    else:
        share = (given - given_on.lowest) / (given_on.highest - given_on.lowest)
        stars = lowest + share * (highest - lowest)
    if step:
        stars = lowest + int((stars - lowest) / step + 0.5 + 1e-9) * step
    return round(min(max(stars, lowest), highest), 6)


def scale_note(form: Format, scale: Scale, model_scale: Scale, has_unused: bool) -> str:
    """How the ratings of a file become those of the model, as a sentence; may be empty.

    Args:
        has_unused: whether the file has ratings.
    """
    if not model_scale.has_stars:
        if not form.is_typed:
            return (
                "This model does not use stars, only what people have seen: "
                "every film of the file counts as seen."
            )
        if form.has_counts or not has_unused:
            return ""
        return (
            "This model does not use stars: every film in the file counts as one that the "
            "person has."
        )
    if scale[:2] == model_scale[:2]:
        return "The stars are taken as they are."
    examples = ", ".join(
        f"{given:g} becomes {on_scale(given, scale, model_scale):g}"
        for given in (max(scale.lowest, scale.step), scale.highest - 3 * scale.step, scale.highest)
    )
    return (
        f"{form.source} rates from {scale.lowest:g} to {scale.highest:g}; "
        f"the scale here is {model_scale}: {examples}."
    )
