"""The kernels of the ordered probit against SciPy, far into the tails, and its draws in distribution."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import kstest, norm, truncnorm

from matinee._types import Doubles
from matinee.kernels import probit
from matinee.threads import workers

INF = float("inf")
THRESHOLDS = np.array([-1.4, -0.8, 0.1, 0.9])
every_interval = pytest.mark.parametrize(
    ("a", "b"),
    [(-1, 0.5), (0.1, 0.2), (-INF, 3), (-9, INF), (-8, 9), (-INF, -3), (4.9, INF), (4.999, 5.2), (4, 6), (6, INF),
     (12, INF), (-41, -40), (40, 41), (-INF, -60)],
)  # fmt: skip


def rated(
    n: int, seed: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    level = rng.integers(0, 5, n).astype(np.uint8)
    return level, rng.standard_normal(n, np.float32), rng.uniform(0.5, 2, n).astype(np.float32)


def bounds(
    level: NDArray[np.uint8], score: Doubles, root: Doubles, thresholds: Doubles
) -> tuple[Doubles, Doubles]:
    ends = np.concatenate([[-INF], thresholds, [INF]])
    return (ends[level] - score) * root, (ends[level + 1] - score) * root


def log_likelihood(
    given: tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]], at: Doubles
) -> float:
    level, score, root = given
    a, b = bounds(level, score.astype(np.float64), root.astype(np.float64), at)
    return float(np.log(norm.cdf(b) - norm.cdf(a)).sum())


@every_interval
def test_a_uniform_number_becomes_the_quantile_of_the_truncated_normal(a: float, b: float) -> None:
    uniforms = (np.arange(500) + 0.5) / 500
    drawn = np.array([probit.truncated(a, b, one) for one in uniforms])
    np.testing.assert_allclose(drawn, truncnorm.ppf(uniforms, a, b), rtol=1e-9, atol=1e-12)
    for end in (0.0, 1 - 2.0**-53):
        assert a <= probit.truncated(a, b, end) <= b
        assert np.isfinite(probit.truncated(a, b, end))


@every_interval
def test_the_mass_of_an_interval_and_the_densities_at_its_ends_are_exact(
    a: float, b: float
) -> None:
    found = probit.interval(a, b)
    # the mass by integrating the density relative to that at the end that is nearer to 0
    near = 0.0 if a < 0 < b else min(abs(a), abs(b))
    low, high = max(a, -near - 12), min(b, near + 12)
    x = np.linspace(low, high, 400_001)
    mass = np.trapezoid(np.exp((near - x) * (near + x) / 2), x)
    log_mass = np.log(mass) + norm.logpdf(near)
    assert found[0] == pytest.approx(log_mass, abs=1e-6)
    assert found[1] == pytest.approx(np.exp(norm.logpdf(a) - log_mass), rel=1e-5, abs=1e-300)
    assert found[2] == pytest.approx(np.exp(norm.logpdf(b) - log_mass), rel=1e-5, abs=1e-300)


def test_quantiles_are_those_of_scipy() -> None:
    p = np.concatenate([np.logspace(-10.9, -0.31, 300), 1 - np.logspace(-10.9, -0.31, 300)])
    np.testing.assert_allclose([probit.quantile(one) for one in p], norm.ppf(p), rtol=1e-9)


def test_latent_variables_are_those_of_the_twin_with_any_number_of_threads() -> None:
    given, n = rated(400), 400
    level, score, root = given
    uniforms = np.random.default_rng(1).random(n)
    a, b = bounds(level, score.astype(np.float64), root.astype(np.float64), THRESHOLDS)
    expected = score + truncnorm.ppf(uniforms, a, b) / root
    found = []
    for n_threads in (1, 3):
        out = np.full(n, np.float32(7))
        with workers(n_threads) as run:
            run(
                probit.draw_latents,
                [(given, span, THRESHOLDS, uniforms, out) for span in pairwise([0, 90, 91, n])],
            )
        np.testing.assert_allclose(out, expected, atol=2e-6)
        found.append(out)
    assert np.array_equal(found[0], found[1])
    ends = np.concatenate([[-INF], THRESHOLDS, [INF]])
    assert (np.searchsorted(THRESHOLDS, found[0] - 1e-6) <= level).all()
    assert (found[0] <= ends[level + 1] + 1e-6).all()


def test_latent_variables_follow_the_truncated_normal() -> None:
    n = 20_000
    one = np.full(n, 3, np.uint8), np.full(n, 0.7, np.float32), np.full(n, 1.6, np.float32)
    out = np.empty(n, np.float32)
    probit.draw_latents(one, (0, n), THRESHOLDS, np.random.default_rng(2).random(n), out)
    a, b = (THRESHOLDS[2:] - 0.7) * 1.6
    assert kstest((out - 0.7) * 1.6, truncnorm(a, b).cdf).pvalue > 1e-3


def test_the_likelihood_and_its_slopes_and_curvatures_are_those_of_differences() -> None:
    given = rated(300)
    out = np.empty(15)
    probit.add_likelihood(given, (0, 300), THRESHOLDS, out)
    assert out[0] == pytest.approx(log_likelihood(given, THRESHOLDS), abs=1e-6)
    slopes, form = out[1:5], np.diag(out[6:10]) + np.diag(out[11:14], 1) + np.diag(out[11:14], -1)
    for number, step in enumerate(np.eye(4) * 1e-5):
        up, down = (log_likelihood(given, THRESHOLDS + sign * step) for sign in (1, -1))
        assert slopes[number] == pytest.approx((up - down) / 2e-5, rel=1e-5)
        above, below = np.empty(15), np.empty(15)
        probit.add_likelihood(given, (0, 300), THRESHOLDS + step, above)
        probit.add_likelihood(given, (0, 300), THRESHOLDS - step, below)
        np.testing.assert_allclose(
            form[number], (below[1:5] - above[1:5]) / 2e-5, rtol=1e-4, atol=1e-4
        )


def test_slopes_and_curvatures_by_the_score_are_those_of_differences() -> None:
    level, scores = (
        np.array([0, 1, 3, 4, 4]),
        np.array([[0.3, -0.2, 4, -5, 9], [-0.5, 0.0, 0.5, 1, 40]]),
    )
    roots, thresholds = np.array([1.3, 0.8]), np.stack([THRESHOLDS, THRESHOLDS + 0.1])
    slopes, curvatures = np.empty_like(scores), np.empty_like(scores)
    probit.respond(level, scores, roots, thresholds, (slopes, curvatures))

    def logs(at: Doubles) -> Doubles:
        ends = [np.concatenate([[-INF], row, [INF]]) for row in thresholds]
        return np.array([
            [probit.interval((end[k] - s) * root, (end[k + 1] - s) * root)[0] for k, s in zip(level, row, strict=True)]
            for end, row, root in zip(ends, at, roots, strict=True)
        ])  # fmt: skip

    step = 1e-4
    up, middle, down = logs(scores + step), logs(scores), logs(scores - step)
    np.testing.assert_allclose(slopes, (up - down) / (2 * step), atol=1e-6)
    expected = -(up - 2 * middle + down) / step**2
    np.testing.assert_allclose(
        curvatures, np.maximum(expected, 1e-6 * roots[:, None] ** 2), atol=1e-5
    )


def test_expected_levels_and_squares_are_sums_over_the_levels() -> None:
    rng = np.random.default_rng(3)
    latents = rng.normal(0, 4, (3, 200)).astype(np.float32)
    latents[0, :2] = 300, -300
    roots = rng.uniform(0.4, 3, 200).astype(np.float32)
    thresholds = np.sort(rng.normal(0, 1, (3, 4)), axis=1)
    levels = np.array([1, 2, 3, 4.5, 5])
    gaps = np.stack([np.diff(levels), np.diff(levels**2)])
    out = np.zeros((2, 200), np.float32)
    probit.add_stars(latents, roots, thresholds.astype(np.float32), gaps.astype(np.float32), out)
    upper = norm.cdf((latents[:, None] - thresholds[..., None]) * roots)  # (S, K - 1, N)
    chances = -np.diff(
        np.concatenate([np.ones((3, 1, 200)), upper, np.zeros((3, 1, 200))], axis=1), axis=1
    )
    for power, row in enumerate(out, start=1):
        expected = (chances * levels[:, None] ** power).sum(axis=1).sum(axis=0) - 3 * levels[
            0
        ] ** power
        np.testing.assert_allclose(row, expected, atol=1e-4)
