"""The English of the pages about the site; what stands in braces is filled in."""

ABOUT = {
    "title": "About",
    "heading": "About this site",
    "lead": (
        "Rate films that you have seen. From your ratings and those of other people, the site "
        "predicts what you would give to other films, lists those you are likely to choose and to "
        "like, and says why."
    ),
    "how": "How it works",
    "how_text": (
        "Nobody describes the films to the computer. It learns from ratings alone: people who "
        "agreed on many films tend to agree on the next one."
    ),
    "data": "Where the ratings come from",
    "data_text": "The model learned from {n_ratings} of {n_films}, from {dataset}.",
    "license": "Terms of use: {license}",
    "cite": "Cite:",
    "privacy": "What is stored",
    "privacy_text": (
        "Your ratings, when you gave them, the films that you hid or put aside, and the groups "
        "that you are in. Your browser gets one cookie with a random key; there is no account, no "
        "e-mail address, no tracking, and the pages load nothing from other sites."
    ),
    "privacy_delete": (
        'On <a href="/you">You</a>, you can download everything or delete it. Models that were '
        "trained with your ratings are not retrained by that."
    ),
    "software": "The software",
    "software_text": (
        "matinee {version} is free software under the MIT license. "
        'Programs can use the <a href="/docs">API</a>.'
    ),
}

HELP = {"title": "Help", "heading": "Help"}

QUESTIONS = (
    (
        "How many films should I rate?",
        "Recommendations start with your first rating. After ten they are yours, and every "
        "further rating sharpens them. Ratings of films that you did not like help as much.",
    ),
    (
        "What do the stars mean?",
        "“Average” is the mean of all ratings of a film, with their number. “For you” is what "
        "you would probably give it, predicted from your ratings. Stars that you gave are marked "
        "as yours.",
    ),
    (
        "Why does a film with fewer predicted stars come first?",
        "Lists are not sorted by stars alone: they weigh how likely you are to choose a film and "
        "to like it, and a film that few people have rated must earn its place. You can sort "
        "the list differently, and move the sliders under Filters.",
    ),
    (
        "I clicked the wrong stars.",
        "Choose Undo, which stays next to what you did, or click the same star again to remove "
        "the rating. All your ratings are on the page You.",
    ),
    (
        "Can I bring my ratings along?",
        "Yes: You, Import ratings. Files of Letterboxd, IMDb, Trakt, MovieLens, Goodreads, "
        "filmweb, Criticker and others are understood, and any table with titles and ratings. "
        "You check the films before anything is saved.",
    ),
    (
        "Where are my ratings on another device?",
        "Ratings belong to a random key in your browser, not to an account. The page You has a "
        "link that takes them to another device.",
    ),
    (
        "Which keys work?",
        "Everything works with Tab and Enter. In a row of stars the arrow keys choose, and “/” "
        "jumps to the search.",
    ),
)

OFFLINE = {
    "title": "Offline",
    "heading": "You're offline",
    "lead": "This page needs a connection. New ratings will be sent when you reconnect.",
    "again": "Try again",
}
