"""The web: an API, and what keeps people's ratings. Importing matinee imports nothing of it; it needs `matinee[serve]`.

To read in this order:

    settings        what the server is told, and its limits
    tables, engine  the database: its tables, how it is opened and brought up to date (migrations/)
    database        transactions, and what becomes of their errors
    store, groups   people and their ratings, and who watches together: one method, one transaction
    lanes           long work waits for its turn
    live            the models that are served, and how a new file takes the place of an old one
    film_index      finding films by title
    problems        errors as documents with one sentence
    shapes          what requests and answers look like
    answers, taste  what is answered, as plain values
    access          who asks
    api             films; recommend, predict and explain from ratings in the request
    api_people      people with a token, and ratings that are kept
    api_operator    health, figures, the operator's endpoints
    texts, texts_more                        all English of the pages
    pages_base, posters, charts              the frame of the pages; what is drawn in them: posters of type, histograms
    shelf, pages_visitor                     a model as pages see it: what to ask about, lists, why; and who looks
    explained, pages                         an explanation as bars; the pages rate, for you, films
    pages_you, pages_import, pages_group, pages_map, pages_models, pages_operator, pages_more    the other pages
    security, limits, logs, metrics, gate    what every request passes on its way in and out
    app, protocol, running    put together, and run
"""
