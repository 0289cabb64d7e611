"""What is new for a model in the database of a server."""

from matinee.data.server_ratings import CollectedNews, collected_news
from matinee.errors import UnsupportedError
from matinee.models.updating import refuse_model
from matinee.recommendation.guide import Guide


def news_for(guide: Guide, name: str, database: str) -> CollectedNews:
    """What an update must bring into a model, so that it knows the ratings in a database.

    Args:
        name: of the model, for messages.
        database: as of `matinee serve --db`.

    Raises:
        UnsupportedError: the model cannot be updated, or has no ratings.
        DataError: see `collected_news`.
    """
    refuse_model(guide.model)
    known = guide.model.history_.to_ratings()
    if not known.scale.has_stars:
        raise UnsupportedError(
            f"{name} has learned from a table without ratings, so the ratings in a database cannot "
            "be added."
        )
    return collected_news(known, guide.catalog, name, database)
