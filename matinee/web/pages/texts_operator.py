"""The texts of the operator's pages."""

OPERATOR = {
    "title": "Operator",
    "heading": "Operator",
    "none": "This server has no operator",
    "none_lead": (
        "To turn on this page, start the server with a secret of at least 16 characters "
        "in MATINEE_OPERATOR_TOKEN."
    ),
    "sign_in": "Operator",
    "sign_in_lead": (
        "The token is the value of MATINEE_OPERATOR_TOKEN. You stay signed in for half an hour."
    ),
    "sign_in_models": "Comparing models is for the operator of this server.",
    "token": "Token",
    "enter": "Sign in",
    "wrong": "That is not the operator's token.",
    "leave": "Sign out",
    "pages": "Pages for the operator",
    "ok": "OK",
    "silent": "does not answer",
    "in_progress": "{n} in progress",
    "counts": "Stored",
    "people": "people",
    "ratings": "ratings",
    "not_interested": "not interested",
    "groups": "groups",
    "models": "Models",
    "model": "Model",
    "kind": "Type",
    "data": "Trained on",
    "loaded": "Loaded",
    "state": "State",
    "good": "served",
    "refused": "New file rejected: {reason}",
    "reload": "Reload models",
    "reloaded": "The models have been reloaded.",
    "not_reloaded": "A model was not reloaded; the previous one stays in use. See below why.",
    "over_time": "Traffic over time",
    "window": "Time shown",
    "requests_chart": "Requests",
    "requests_said": "{requests}; {errors}. At most {most} in {period}.",
    "times_chart": "Response time",
    "times_said": "Half within {median}, 99% within {p99}; at worst 99% within {worst}.",
    "times_none": "No requests in this time.",
    "lists_chart": "Lists",
    "ratings_chart": "Ratings",
    "people_chart": "New people",
    "count_said": "{n}; at most {most} in {period}.",
    "all_requests": "all",
    "error_requests": "errors",
    "median": "half of the requests within",
    "p99": "99% within",
    "from": "From (UTC)",
    "lists": "Lists",
    "new_people": "New people",
    "median_column": "Median, ms",
    "as_table": "As a table",
    "traffic": "Traffic since the start",
    "traffic_lead": "Medians and 99% are estimated within narrow classes of time.",
    "route": "Address",
    "unknown_addresses": "Unknown addresses",
    "requests": "Requests",
    "refusals": "Refused (4xx)",
    "errors": "Errors (5xx)",
    "mean_ms": "Mean, ms",
    "p99_ms": "99% within, ms",
    "above": "over 10,000",
    "no_traffic": "No requests yet.",
    "total": "All",
}

OPERATOR_WINDOWS = {
    "hour": "Last hour",
    "day": "Last day",
    "week": "Last week",
    "month": "Last month",
    "year": "Last year",
}

OPERATOR_PAGES = (
    ("/operator", "Overview"),
    ("/operator/people", "People"),
    ("/operator/films", "Films"),
    ("/operator/models", "Models"),
    ("/operator/training", "Training"),
)

OPERATOR_PEOPLE = {
    "title": "People",
    "heading": "People",
    "search": "Beginning of an id",
    "sort": "Sort by",
    "sorts": {
        "active": "Last active",
        "newest": "Newest",
        "oldest": "Oldest",
        "ratings": "Most ratings",
    },
    "apply": "Apply",
    "none": "No people yet.",
    "none_found": "No id starts with \u201c{q}\u201d.",
    "id": "Id",
    "created": "First activity",
    "active": "Last activity",
    "ratings": "Ratings",
    "all": "All people",
    "deleted": "The person and all their data have been deleted.",
    "person": "Person {id}",
    "full_id": "Id",
    "watchlist": "On the watchlist",
    "not_interested": "Not interested",
    "not_seen": "Not seen",
    "groups": "Groups",
    "export": "Export as JSON",
    "delete": "Delete this person",
    "delete_heading": "Delete this person?",
    "delete_lead": (
        "{id}: {n}, their lists and their memberships in groups are deleted for good. They lose "
        "access at once. Models that were trained with these ratings are not retrained."
    ),
    "sure": "Yes, delete everything of this person",
    "cancel": "Cancel",
    "latest": "Latest ratings",
    "film": "Film",
    "stars": "Stars",
    "date": "Date",
}

OPERATOR_FILMS = {
    "title": "Films",
    "heading": "Films",
    "search": "Title",
    "sort": "Sort by",
    "sorts": {
        "best match": "Best match",
        "here": "Most ratings here",
        "mean": "Highest average here",
        "watchlists": "On most watchlists",
        "hidden": "Hidden most",
        "model": "Most ratings in the model",
        "title": "Title",
    },
    "model": "Model",
    "apply": "Apply",
    "none_found": "No films found for \u201c{q}\u201d.",
    "guesses": "The last {n} only resemble \u201c{q}\u201d.",
    "film": "Film",
    "in_model": "Ratings in the model",
    "here": "Ratings here",
    "mean": "Average here",
    "hidden": "Hidden",
    "watchlists": "Watchlists",
    "unknown": "Not in this model",
    "unknown_lead": (
        "People here rated or marked {n} that the model does not know. Their ratings are kept, "
        "and count again when a model knows the films."
    ),
    "unknown_none": "The model knows every film that people here rated or marked.",
    "no_title": "no title",
    "more": "And {n} more.",
}

TRAINING = {
    "title": "Training",
    "heading": "Training",
    "lead": (
        "Trains a model of the same type and settings anew, on {data} and the ratings of the "
        "people here. When it is done and its films agree with the database, it replaces the "
        "served file."
    ),
    "none": "Retraining is off",
    "none_lead": (
        "To retrain models here, start the server with the data that they were trained on:"
    ),
    "none_command": "matinee serve films.matinee --retrain ml-latest-small",
    "model": "Model",
    "sure": "Replace the served model when the training is done",
    "start": "Retrain",
    "sure_missing": "Tick the box first: the new model replaces the served one.",
    "running": "Training {model}",
    "progress": "{percent}% · {seconds}",
    "cancel": "Cancel",
    "refresh": "Refresh",
    "canceling": "The training stops within a few seconds.",
    "ended": "The training is not running any more.",
    "jobs": "Last trainings",
    "jobs_none": "No training yet.",
    "started": "Started (UTC)",
    "result": "Result",
    "took": "Took",
    "states": {
        "running": "Running",
        "done": "Done",
        "failed": "Failed",
        "canceled": "Canceled",
    },
}

MODELS_PAGE = {
    "title": "Models",
    "heading": "Models",
    "accuracy": "Accuracy on your users",
    "accuracy_lead": (
        "How far off each model is on the last rating of up to {most} people, predicted from "
        "their earlier ones. A model that was trained on these ratings looks better than it is."
    ),
    "few": "Too few people here have rated enough films to tell.",
    "model": "Model",
    "n_people": "People",
    "rmse": "Typical error, stars",
    "rmse_means": "If the film's average were predicted",
    "lists": "Two models, side by side",
    "lists_one": "The model's list",
    "one": (
        "Only one model is served. To compare models, start the server with several "
        "files: matinee serve one.matinee other.matinee"
    ),
    "left": "Left",
    "right": "Right",
    "person": "For the person whose id starts with",
    "person_none": "a new user, if empty",
    "compare": "Compare",
    "no_person": "No person's id starts with \u201c{q}\u201d, or several do.",
    "for_person": "The lists of person {id}, based on {n}.",
    "for_own": "Your own lists, based on the {n} you rated in this browser.",
    "for_new": "The lists for a new user, who has rated nothing.",
    "shared": "For the {n} who rated last, the lists share {mean} of {k} films on average.",
    "type": "Type",
    "data": "Trained on",
    "films": "Films",
    "ratings": "Ratings",
    "stars": "Predicts ratings",
    "yes": "yes",
    "no": "no, it only ranks films",
    "error": "Average error on this person's ratings",
    "error_value": "{error} stars",
    "error_means": "If the film's average were predicted",
    "same": "{n} of {k} films are in both lists.",
    "place": "#{n} in the other list",
    "apart": "Where the predictions differ most",
    "film": "Film",
}

MODEL_TYPES = {
    "baseline": "averages of films and people",
    "popularity": "popularity",
    "mf": "matrix factorization",
    "plain-mf": "matrix factorization without biases",
    "dot-product": "dot product of two networks",
    "mlp": "neural network",
    "bayes": "Bayesian matrix factorization",
    "user-knn": "people alike",
    "item-knn": "films alike",
    "ials": "matrix factorization for rankings",
    "ease": "films that go together",
    "blend": "blend of several models",
    "hybrid": "stars of one model, lists of several",
}
"""Name of a kind of model -> what it is."""
