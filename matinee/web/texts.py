"""All English that the pages say, by page; what stands in braces is filled in.

Sentences about a model come from it (`Explanation.sentence`, `Suggestions.note`), and those about errors from where
they are raised.
"""

from matinee.web.texts_more import IMPORT, MAP, MODELS_PAGE, OPERATOR, TOGETHER, YOU

__all__ = [
    "CARD",
    "ERROR",
    "FILM",
    "FOR_YOU",
    "IMPORT",
    "MAP",
    "MODELS_PAGE",
    "NAVIGATION",
    "OPERATOR",
    "RATE",
    "SCRIPT",
    "SITE",
    "TOGETHER",
    "YOU",
]

SITE = {
    "name": "matinee",
    "skip": "Skip to the content",
    "pages": "Pages",
    "search": "Search films",
    "search_button": "Search",
    "footer": "Your ratings stay on this server, under a random key in your browser. No account, no e-mail address.",
    "offline": "No connection to the server. What you see is the last it said; new ratings wait until it answers.",
}

NAVIGATION = (
    ("/", "Rate"),
    ("/for-you", "For you"),
    ("/map", "Map"),
    ("/you", "You"),
    ("/together", "Together"),
    ("/models", "Models"),
)
"""Of each page; Models only where several are served."""

CARD = {
    "rate": "Your stars for {name}",
    "have": "Have it",
    "have_it": "Have it: {name}",
    "has": "You have it",
    "take_back": "Take back",
    "take_back_of": "Take back your rating of {name}",
    "star": "{n} stars",
    "one_star": "1 star",
    "save": "Save",
    "save_of": "Save your rating of {name}",
    "unseen": "Haven't seen",
    "unseen_of": "I haven't seen {name}; show another film",
    "hide": "Not interested",
    "hide_of": "Not interested in {name}",
    "seen": "Seen it?",
    "people": "{mean} from {n}",
    "nobody": "nobody has rated it",
    "have_n": "{n} people have it",
    "predicted": "Predicted for you",
    "likely": "likely {low} to {high}",
    "likely_title": "8 of 10 such predictions lie in between",
    "rank": "No. {n}",
    "rank_of": "of {n} for you",
}

RATE = {
    "title": "Rate",
    "heading": "Which of these have you seen?",
    "heading_pairs": "Which of these do you have?",
    "lead": "Rate a few films you know. Your list is there from the first one, and changes with each.",
    "lead_pairs": "Say what you have. Your list is there from the first one, and changes with each.",
    "aim": 10,
    "progress_none": "Nothing rated yet. With {aim} films the list is yours.",
    "progress": "{n} of {aim}. {left} more and the list is yours.",
    "progress_done": "{n} films. Each more makes your list a little surer.",
    "progress_label": "Films rated",
    "list": "Your list so far",
    "list_none": "What most people like, until you rate something",
    "list_link": "All of your list",
    "list_link_none": "See the list",
    "grid": "Films to rate",
    "found_none": "No title holds \u201c{q}\u201d. Try one word of it, or its beginning.",
    "found_guess": "No title holds \u201c{q}\u201d; these resemble it.",
    "found_some": "{n} found for \u201c{q}\u201d",
    "found_first": "the first {shown} of {n} found for \u201c{q}\u201d",
    "found_start": "Type a word of a title, or how it begins.",
    "exhausted": "You have been through all films there are.",
}

FOR_YOU = {
    "title": "For you",
    "heading": "For you",
    "lead": "From your {n}. Rate one you have seen, and the list changes.",
    "lead_none": "You have rated nothing yet, so this is what most people like.",
    "start": "Rate some films",
    "best": "Best for you",
    "best_none": "Liked by most",
    "because": "Because you gave {stars} to {name}",
    "because_have": "Because you have {name}",
    "filters": "Filters and dials",
    "genre_in": "With",
    "genre_out": "Without",
    "years": "Years",
    "from": "from",
    "to": "to",
    "min_ratings": "At least this many ratings",
    "popularity": "How well known",
    "obscure": "hidden gems",
    "popular": "well known",
    "diversity": "Variety",
    "best_first": "best first",
    "varied": "varied",
    "apply": "Apply",
    "clear_all": "Clear all",
    "empty": "No film passes these filters.",
    "none_left": "There is no other film left.",
    "more": "Show more",
    "why_alike": "Like {name}, which you gave {stars}",
    "why_alike_have": "Like {name}, which you have",
    "why_people": "Among the best rated by everybody",
    "why_popular": "Known by many people",
    "why_ranked": "High on the list for your taste",
}

FILM = {
    "prediction": "For you",
    "prediction_none": "For the average person",
    "not_rated": "Rate it",
    "rated": "Your rating",
    "people": "Everybody",
    "why": "Why {stars} stars",
    "why_score": "Why it stands where it does",
    "why_lead": "Each line adds to the one above it; together they are the prediction.",
    "why_rated": "You have rated it yourself; your own stars for it are among the ratings that count.",
    "part": "What",
    "adds": "Adds",
    "without": "Without it",
    "similar": "Similar films",
    "map": "Where it lies on the map",
    "hidden": "You are not interested in it, so your lists leave it out.",
    "show": "Show it again",
    "start": "Rate some films to see what you would give it.",
}

ERROR = {
    "heading": "That did not work",
    "home": "Back to the films",
    "again": "Try again",
    "id": "For the operator: request {id}",
}

ERROR_HEADINGS = {
    401: "Nothing of yours yet",
    403: "Not from there",
    404: "There is nothing here",
    413: "Too large",
    429: "A little slower, please",
    500: "A mistake of ours",
    503: "Back in a moment",
}

ERROR_DETAILS = {
    "unknown-person": "Rate a film first: then there is something of yours to show.",
    "unknown-film": "There is no film at this address. Search for its title above.",
    "not-found": "There is no page at this address.",
    "method-not-allowed": "This address is not a page; it only takes what forms send.",
    "bug": "The mistake has been noted. Nothing you did before it is lost.",
}
"""By the kind of a problem; others say their own sentence."""

SCRIPT = {
    "saved": "Saved: {name}.",
    "removed": "Taken back: {name}.",
    "hidden": "{name} will not be shown again.",
    "failed": "Not saved. {reason}",
    "one_waits": "The server does not answer; 1 change waits.",
    "many_wait": "The server does not answer; {n} changes wait.",
    "retry": "Try again",
    "undo": "Undo",
}
