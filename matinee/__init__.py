"""matinee: film recommendations people can trust, from any table of ratings.

    import matinee

    data = matinee.load("sample")
    model = matinee.Hybrid().fit(data.ratings)
    guide = matinee.Guide(model, data.catalog)
    guide.recommend(1).items

Names are imported on first use, so `import matinee` is fast.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
