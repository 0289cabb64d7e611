"""All English that the pages say, by page; what stands in braces is filled in.

Sentences about a model come from it (`Explanation.sentence`, `Suggestions.note`), and those
about errors from where they are raised.
"""

from typing import Any

from matinee.web.pages.texts_film import FILM as FILM
from matinee.web.pages.texts_operator import MODEL_TYPES as MODEL_TYPES
from matinee.web.pages.texts_operator import MODELS_PAGE as MODELS_PAGE
from matinee.web.pages.texts_operator import OPERATOR as OPERATOR
from matinee.web.pages.texts_operator import OPERATOR_FILMS as OPERATOR_FILMS
from matinee.web.pages.texts_operator import OPERATOR_PAGES as OPERATOR_PAGES
from matinee.web.pages.texts_operator import OPERATOR_PEOPLE as OPERATOR_PEOPLE
from matinee.web.pages.texts_operator import OPERATOR_WINDOWS as OPERATOR_WINDOWS
from matinee.web.pages.texts_operator import TRAINING as TRAINING
from matinee.web.pages.texts_people import DEVICES as DEVICES
from matinee.web.pages.texts_people import EVERYTHING as EVERYTHING
from matinee.web.pages.texts_people import HISTORY as HISTORY
from matinee.web.pages.texts_people import TOGETHER as TOGETHER
from matinee.web.pages.texts_people import WATCHLIST as WATCHLIST

APP = {
    "name": "matinee",
    "description": "Film recommendations from your own ratings, with the reasons for each.",
}

SITE = {
    "name": "matinee",
    "skip": "Skip to the content",
    "pages": "Pages",
    "search": "Search films",
    "search_button": "Search",
    "footer": (
        "Your ratings stay on this server, under a random key in your browser. No "
        "account, no e-mail address."
    ),
    "sample": "Sample data: simulated ratings.",
    "offline": "You're offline. New ratings will be sent when you reconnect.",
}

NAVIGATION = (
    ("/", "Rate"),
    ("/for-you", "For you"),
    ("/watchlist", "Watchlist"),
    ("/browse", "Browse"),
    ("/map", "Map"),
    ("/you", "You"),
    ("/together", "Together"),
)


FOOTER = (("/about", "About"), ("/help", "Help"), ("/docs", "API"))

CARD = {
    "rate": "Your stars for {name}",
    "have": "Seen it",
    "have_it": "Seen it: {name}",
    "has": "Seen",
    "take_back": "Remove rating",
    "take_back_of": "Remove your rating of {name}",
    "star": "{n} stars",
    "one_star": "1 star",
    "save": "Save",
    "save_of": "Save your rating of {name}",
    "unseen": "Haven't seen",
    "unseen_of": "I haven't seen {name}; show another film",
    "hide": "Not interested",
    "hide_of": "Not interested in {name}",
    "seen": "Seen it?",
    "people": "Average {mean} ({n})",
    "nobody": "No ratings yet",
    "people_short": "{mean} ({n})",
    "have_n": "Seen by {n} people",
    "predicted": "Predicted",
    "predicted_none": "Expected of most people",
    "likely_title": "8 of 10 such ratings are {low} to {high}",
    "certainty": ("sure", "fairly sure", "a guess"),
    "rank": "#{n}",
    "rank_for_you": "#{n} for you",
    "rank_title": "Its place among {n} films, without those you have rated",
    "rank_of": "of {n} for you",
    "rank_of_none": "of {n} for most people",
}

RATE = {
    "title": "Rate",
    "heading": "Which of these have you seen?",
    "heading_pairs": "Which of these have you seen?",
    "lead": "Recommendations start with your first rating and improve with each one.",
    "lead_pairs": (
        "Mark the films you have seen. Recommendations start with the first and improve "
        "with each one."
    ),
    "aim": 10,
    "progress_none": "Rate {aim} films to personalize your list.",
    "progress": "{n} of {aim}. {left} to go.",
    "progress_done": "{n} films. Every rating sharpens your list.",
    "progress_label": "Films rated",
    "list": "Your list so far",
    "list_none": "Popular with most people, until you rate something",
    "list_link": "See the full list",
    "grid": "Films to rate",
    "exhausted": "You have gone through all films.",
}

SORTS = (
    ("match", "best match"),
    ("stars", "highest predicted"),
    ("taste", "fits my taste"),
    ("gems", "hidden gems"),
    ("newest", "newest"),
)
"""Order of a list -> its name."""

FOR_YOU = {
    "title": "For you",
    "heading": "For you",
    "lead": "Based on your {n}. Rate one you have seen, and the list changes.",
    "lead_none": "You haven't rated anything yet, so this is what most people like.",
    "start": "Rate some films",
    "best": "Best for you",
    "best_none": "Rated highly by most",
    "because": "Films like {name}, which you gave {stars}",
    "because_have": "Films like {name}, which you have seen",
    "filters": "Filters",
    "genre_in": "Any of these genres",
    "genre_out": "But not",
    "none": "no genre excluded",
    "decade": "Decade",
    "any_decade": "any",
    "decade_of": "{n}s",
    "years_end": "Our films end in {year}.",
    "years_start": "Our films start in {year}.",
    "floor": "Films that you would like clearly less than most you have rated are left out.",
    "sort": "Sort by",
    "picks": "Three for tonight",
    "others": "More for you",
    "surprise": "Surprise me",
    "end": "These are the {n} best. Change the filters to see others.",
    "off": "no preference",
    "years": "Years",
    "from": "from",
    "to": "to",
    "min_ratings": "Minimum number of ratings",
    "popularity": "Popularity",
    "obscure": "hidden gems",
    "popular": "well known",
    "diversity": "Variety",
    "best_first": "best match first",
    "varied": "varied",
    "taste": "Taste",
    "choice": "what you are likely to choose",
    "fit": "what fits your taste",
    "apply": "Apply",
    "clear_all": "Clear all",
    "empty": "No films match.",
    "none_left": "That's everything.",
    "more": "Show more",
    "why_because": "People who like {names} like this",
    "why_because_have": "People who have seen {names} have seen this",
    "why_alike": "Like {name}, which you gave {stars}",
    "why_alike_have": "Like {name}, which you have seen",
    "why_people": "Among the best rated by everyone",
    "why_popular": "Popular",
    "why_above": "Rated above average by everyone",
    "why_part": "Because you gave {stars} to {name}",
    "why_part_have": "Because you have seen {name}",
}

YOU = {
    "title": "You",
    "heading": "You",
    "lead_none": "Rate a few films to see your taste profile.",
    "start": "Rate some films",
    "example": "What you will see here",
    "example_lead": "An example, with made-up ratings.",
    "lead": "You have seen {n}.",
    "lead_stars": "You have rated {n}.",
    "more_generous": "Your average is {mean}, {amount} above other people's for the same films.",
    "less_generous": "Your average is {mean}, {amount} below other people's for the same films.",
    "average": "Your average is {mean}.",
    "as_generous": "Your average is {mean}, the same as other people's for these films.",
    "unknown": "{n} of yours aren't in this catalog.",
    "all": "All your ratings",
    "histogram": "How you rate",
    "own": "you",
    "everybody": "everyone",
    "as_table": "As a table",
    "stars": "Stars",
    "genres": "Genres you rate above and below average",
    "decades": "Decades you rate above and below average",
    "genres_pairs": "Genres you watch more and less than average",
    "decades_pairs": "Decades you watch more and less than average",
    "kinds": (
        "Compared with other people's ratings of the same films, and with your own "
        "average. With few ratings the difference is shown smaller."
    ),
    "kinds_pairs": "Their share of the films you have seen, compared with everyone's.",
    "kind": "Group",
    "beyond": "Difference",
    "disagreements": "Where you disagree most with others",
    "film": "Film",
    "yours": "You",
    "crowd": "Average",
    "apart": "Difference",
    "data": "Your data",
    "data_lead": (
        "The server stores only your ratings and a key. Download, import or delete them."
    ),
    "import": "Import ratings",
    "export_csv": "Export as CSV",
    "export_json": "Export everything as JSON",
    "delete": "Delete my data",
    "ratings": "All your ratings",
    "not_known": "not in this catalog",
    "hidden": "Not interested",
    "show": "Show again",
    "show_of": "Show {name} again",
    "pages": "Pages of the list",
    "page": "Page {n} of {of}",
    "previous": "Previous",
    "next": "Next",
    "delete_heading": "Delete everything?",
    "delete_lead": (
        "Your {n}, the films you are not interested in and your memberships in groups "
        "are deleted for good. A model that was trained with them is not retrained; the "
        "next one is trained without them."
    ),
    "sure": "Yes, delete everything",
    "delete_now": "Delete my data",
    "keep": "Keep everything",
    "deleted": "Your data has been deleted",
    "deleted_lead": (
        "The server has nothing of yours any more, and the key in your browser is gone."
    ),
    "start_again": "Start again",
}

IMPORT: dict[str, Any] = {
    "title": "Import ratings",
    "heading": "Import ratings",
    "lead": (
        "Bring your ratings from Letterboxd, IMDb, MovieLens or any table with a title and a "
        "rating. You see what was found before anything is saved."
    ),
    "file": "Your file",
    "file_hint": "ratings.csv, the zip file from Letterboxd, or a JSON file; at most 2 MB",
    "look": "Preview",
    "no_file": "No file was chosen, or it is empty. Choose a file first.",
    "nothing": "Nothing was selected, so nothing was saved.",
    "where": "Where to get the file",
    "sites": (
        ("Letterboxd", "Settings, Data, Export your data: ratings.csv, in a zip file."),
        ("IMDb", "Your ratings, Export: a CSV file. Its 1 to 10 become stars."),
        (
            "MovieLens",
            "About you, Export. The ratings.csv of a data set works too, if it is of one user.",
        ),
        ("Trakt", "Settings, Data, Export: ratings-movies.json, or the CSV file of your ratings."),
        ("Goodreads", "My Books, Import and export: goodreads_library_export.csv."),
        ("filmweb, Criticker, TMDB, Simkl", "The file of your ratings, CSV or JSON."),
        (
            "Your own table",
            "Columns title, year and rating. If it rates up to 10, call the last one rating10.",
        ),
        ("matinee", "The page You of any matinee: Export as CSV, or Export everything as JSON."),
    ),
    "review": "Check your import",
    "review_lead": "{source}: {n}. Nothing is saved yet.",
    "matched": "matched",
    "doubtful": "to check",
    "unmatched": "left out",
    "replaced": "{n} of yours will be overwritten.",
    "doubtful_heading": "Are these the same films?",
    "doubtful_lead": "Untick any that don't match.",
    "taken_for": "matched to",
    "row": "row {n}",
    "is_rated": "you have rated this film; tick to overwrite your rating",
    "keep": "Save these ratings",
    "other": "Choose another file",
    "unmatched_heading": "Left out",
    "no_title": "no title",
    "more": "And {n} more.",
    "matched_heading": "Matched: {n}",
    "by_hand_heading": "Which films are these?",
    "by_hand_lead": "We did not find these films. Search for them, or leave the boxes empty.",
    "by_hand_of": "Film for {title}",
    "found_heading": "Choose the films",
    "found_lead": "These are the films found for what you typed.",
    "found_none": "No films found. Try other words, or leave it out.",
    "leave_out": "Leave it out",
    "choice_of": "Choice for {title}",
    "watchlist": "Watchlist",
    "watchlist_add": "Add {n} to your watchlist",
    "watchlist_others": "Not here, of your watchlist: {titles}.",
    "and_more": "and more",
    "imported": "{n} imported.",
    "imported_watchlist": "{n} added to your watchlist.",
}

MAP = {
    "title": "Map",
    "heading": "Map of films",
    "unseen": "Films that the same people like are close together.",
    "none": "This model has no map",
    "loading": "Drawing the map \u2026",
    "failed": "The map could not be loaded.",
    "script": "The map needs JavaScript. Each film's page lists similar films without it.",
    "open": "Film page",
    "nearest": (
        "{name} has too few ratings for a place on the map. Selected is the film most similar "
        "to it: {nearest}."
    ),
    "no_place": "{name} has too few ratings for a place on the map.",
    "unknown": "That film is not on the map.",
    "details_failed": "Your prediction could not be loaded.",
}

ERROR = {
    "heading": "Something went wrong",
    "home": "Back to the films",
    "browse": "Browse all films",
    "help": "Help",
    "again": "Try again",
    "id": "Request id for the operator: {id}",
}

ERROR_HEADINGS = {
    401: "No ratings yet",
    403: "Request blocked",
    404: "Page not found",
    413: "File too large",
    429: "Too many requests",
    500: "Something went wrong",
    503: "Back in a moment",
}

ERROR_DETAILS = {
    "unknown-person": "Rate a film first.",
    "unknown-film": "No film has this address. Search for its title above.",
    "not-found": "No page has this address.",
    "method-not-allowed": "This address only takes forms.",
    "bug": "The error has been logged. Everything you did before it is saved.",
}
"""By the kind of a problem; others say their own sentence."""

SCRIPT = {
    "saved": "Saved: {name}.",
    "removed": "Rating removed: {name}.",
    "hidden": "{name} is hidden from your lists.",
    "failed": "Not saved. {reason}",
    "one_waits": "You're offline. 1 change is waiting to be sent.",
    "many_wait": "You're offline. {n} changes are waiting to be sent.",
    "retry": "Try again",
    "undo": "Undo",
    "watch_on": WATCHLIST["on"],
    "watch_on_of": WATCHLIST["remove_of"],
    "watch_add": WATCHLIST["add"],
    "watch_add_of": WATCHLIST["add_of"],
    "watch_failed": WATCHLIST["failed"],
    "undo_of": "Undo: {name}",
    "close": "Close",
    "shown": "{name} is back in your lists.",
    "put_away": "Hidden.",
    "put_back": "Shown again.",
    "skipped": "Not seen: {name}.",
}
