"""Item factors by MLlib's alternating least squares.

(Zhou et al., "Large-scale parallel collaborative filtering for the Netflix prize", 2008; Hu, Koren,
Volinsky, "Collaborative filtering for implicit feedback datasets", 2008.) MLlib's penalty is
regularization * n for a user or item with n ratings.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from matinee._types import Floats
from matinee.progress import Progress, Step
from matinee.spark.encoding import ClusterRatings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ROWS_PER_BLOCK = 5_000_000
LEAST_BLOCKS = 4
CHECKPOINT_INTERVAL = 4


class FactorSettings(NamedTuple):
    """What MLlib is told.

    Attributes:
        regularization: the penalty of squared factors, for each rating.
        is_implicit: whether values are the weights of likes beyond that of all other pairs.
    """

    factors: int
    epochs: int
    regularization: float
    seed: int
    is_implicit: bool = False


def item_factors(
    table: ClusterRatings, rows: "DataFrame", n_rows: int, settings: FactorSettings
) -> Floats:
    """The factors of the items, (I, F); zeros for items without rows.

    Args:
        rows: `user` and `item`, int, and `value`, float. Items from I on help the training, and
            are left out of the result.
        n_rows: their number.
    """
    from pyspark.ml.recommendation import ALS

    n_blocks = max(LEAST_BLOCKS, table.cluster.n_cores, -(-n_rows // ROWS_PER_BLOCK))
    als = ALS(
        rank=settings.factors,
        maxIter=settings.epochs,
        regParam=settings.regularization,
        numUserBlocks=n_blocks,
        numItemBlocks=n_blocks,
        implicitPrefs=settings.is_implicit,
        alpha=1.0,
        userCol="user",
        itemCol="item",
        ratingCol="value",
        seed=settings.seed,
        checkpointInterval=CHECKPOINT_INTERVAL if table.cluster.has_checkpoints else -1,
    )
    model = als.fit(rows)
    n_items = len(table.items)
    found = model.itemFactors.filter(f"id < {n_items}").toArrow()
    factors = np.zeros((n_items, settings.factors), np.float32)
    for batch in found.to_batches():
        if batch.num_rows:
            flat = batch.column("features").flatten().to_numpy()
            factors[batch.column("id").to_numpy()] = flat.reshape(-1, settings.factors)
    return factors


class TrainingSteps:
    """Reports the progress of a training that consists of several kinds of steps."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.n_done = progress, total, 0

    def done(self, n: int, text: str) -> None:
        """Reports n more steps."""
        self.n_done += n
        if self.progress:
            self.progress(Step(self.n_done, self.total, text))
