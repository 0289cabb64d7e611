"""The English of the search and browse pages."""

SEARCH = {
    "title": "Search",
    "heading": "Search",
    "start": "Search by title.",
    "browse": "Or browse by genre, decade or tag.",
    "examples": "For example:",
    "popular": "Most rated films",
    "none": "No films found for \u201c{q}\u201d.",
    "guess": "Did you mean:",
    "found": "{n} found",
    "found_some": "{n}, showing {first} to {last}",
    "all": "See all {n}",
}

BROWSE = {
    "heading": "Browse films",
    "filters": "Filter and sort",
    "genre": "Genre",
    "decade": "Decade",
    "tag": "Tag",
    "order": "Sort by",
    "any": "any",
    "apply": "Apply",
    "reset": "Clear all",
    "none": "No films match.",
    "random": "Pick one for tonight",
    "pages": "Pages of the list",
    "page": "Page {n} of {of}",
    "previous": "Previous",
    "next": "Next",
    "genres": "Genres",
    "decades": "Decades",
    "tags": "Tags",
}

ORDERS = {
    "relevance": "best match",
    "popular": "most rated",
    "best": "best rated",
    "newest": "newest",
    "oldest": "oldest",
    "title": "title",
}
