"""Ordered probit: a rating is the level whose interval contains a latent normal variable.

Intervals (a, b) are in standard deviations from the mean. phi and Phi are the standard normal
density and distribution; R(x) = (1 - Phi(x)) / phi(x) is Mills' ratio, which keeps results
exact far out in the tails. Intervals below 0 are mirrored first. Random numbers are arguments,
so that any number of threads can share the ratings.
"""

from math import erf, erfc, exp, inf, log, sqrt

import numpy as np
from numpy.typing import NDArray

from matinee.kernels import kernel

F32 = np.float32
ROOT_HALF = sqrt(0.5)
LOG_ROOT_2PI = 0.9189385332046727
FAR = 5.0
"""The bound from which a truncated normal is drawn on the logarithmic scale."""
FLAT = 8.0
"""Standard deviations beyond which Phi is 0 or 1 in single precision."""


@kernel()
def mills(x: float) -> float:
    """R(x) for x >= 0."""
    if x < 10:
        return exp(x * x / 2 + LOG_ROOT_2PI) * erfc(x * ROOT_HALF) / 2
    square = 1 / (x * x)
    return (1 - square * (1 - 3 * square * (1 - 5 * square * (1 - 7 * square)))) / x


@kernel()
def interval(a: float, b: float) -> tuple[float, float, float]:
    """For a < b: the logarithm of D = Phi(b) - Phi(a), phi(a) / D, and phi(b) / D."""
    low, high = (-b, -a) if a + b < 0 else (a, b)
    if low >= 0:
        fall = exp((low - high) * (low + high) / 2)
        rest = max(mills(low) - mills(high) * fall, 1e-12)
        found, at_low, at_high = log(rest) - low * low / 2 - LOG_ROOT_2PI, 1 / rest, fall / rest
    else:
        within = (erf(high * ROOT_HALF) - erf(low * ROOT_HALF)) / 2
        at_low = exp(-low * low / 2 - LOG_ROOT_2PI) / within
        found, at_high = log(within), exp(-high * high / 2 - LOG_ROOT_2PI) / within
    return (found, at_high, at_low) if a + b < 0 else (found, at_low, at_high)


@kernel()
def quantile(p: float) -> float:
    """x with Phi(x) = p, for 1e-11 < p < 1 - 1e-11; error 1e-15 (Wichura, AS 241, 1988)."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        above = 2.5090809287301226727e3 * r + 3.3430575583588128105e4
        above = (
            (above * r + 6.7265770927008700853e4) * r + 4.5921953931549871457e4
        ) * r + 1.3731693765509461125e4
        above = (
            (above * r + 1.9715909503065514427e3) * r + 1.3314166789178437745e2
        ) * r + 3.3871328727963666080
        below = 5.2264952788528545610e3 * r + 2.8729085735721942674e4
        below = (
            (below * r + 3.9307895800092710610e4) * r + 2.1213794301586595867e4
        ) * r + 5.3941960214247511077e3
        below = ((below * r + 6.8718700749205790830e2) * r + 4.2313330701600911252e1) * r + 1
        return q * above / below
    r = sqrt(-log(min(p, 1 - p))) - 1.6
    above = 7.74545014278341407640e-4 * r + 2.27238449892691845833e-2
    above = (
        (above * r + 2.41780725177450611770e-1) * r + 1.27045825245236838258
    ) * r + 3.64784832476320460504
    above = (
        (above * r + 5.76949722146069140550) * r + 4.63033784615654529590
    ) * r + 1.42343711074968357734
    below = 1.05075007164441684324e-9 * r + 5.47593808499534494600e-4
    below = (
        (below * r + 1.51986665636164571966e-2) * r + 1.48103976427480074590e-1
    ) * r + 6.89767334985100004550e-1
    below = ((below * r + 1.67638483018380384940) * r + 2.05319162663775882187) * r + 1
    return above / below if q > 0 else -above / below


@kernel()
def truncated(a: float, b: float, uniform: float) -> float:
    """A standard normal number between a < b, by inversion of a uniform one in [0, 1)."""
    mirrored = a + b < 0
    low, high = (-b, -a) if mirrored else (a, b)
    part = (
        1 - uniform if not mirrored else max(uniform, 1e-300)
    )  # of the mass above the number, in (0, 1]
    if low < FAR:
        beyond_low, beyond_high = erfc(low * ROOT_HALF) / 2, erfc(high * ROOT_HALF) / 2
        beyond = beyond_high + part * (beyond_low - beyond_high)
        if beyond > 1e-11:
            x = -quantile(beyond) if beyond < 1 - 1e-11 else low
            x = min(max(x, low), high)
            return -x if mirrored else x
        target = log(max(beyond, 1e-300))
    else:
        fall = (
            exp((low - high) * (low + high) / 2) * mills(high) / mills(low)
        )  # of the tails' masses
        target = log(fall + part * (1 - fall)) + log(mills(low)) - low * low / 2 - LOG_ROOT_2PI
    x = sqrt(
        max(low, FAR) ** 2
        - 2 * min(target + max(low, FAR) ** 2 / 2 + LOG_ROOT_2PI + log(max(low, FAR)), 0.0)
    )
    for _ in range(4):  # Newton's steps towards log(1 - Phi(x)) = target
        ratio = mills(x)
        x += ratio * (log(ratio) - x * x / 2 - LOG_ROOT_2PI - target)
    x = min(max(x, low), high)
    return -x if mirrored else x


@kernel()
def _bounds(
    level: int, score: float, root: float, thresholds: NDArray[np.float64]
) -> tuple[float, float]:
    """The interval of a level, in standard deviations (1 / root) from the score."""
    low = (thresholds[level - 1] - score) * root if level > 0 else -inf
    high = (thresholds[level] - score) * root if level < len(thresholds) else inf
    return low, high


@kernel()
def draw_latents(
    rated: tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]],
    span: tuple[int, int],
    thresholds: NDArray[np.float64],
    uniforms: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:
    """Draws the latent variables of the ratings first:stop.

    Args:
        rated: level, score and the root of the noise's precision of each rating, (N,).
        thresholds: (K - 1,), ascending.
        uniforms: random numbers in [0, 1), (N,).
    """
    level, score, root = rated
    for place in range(span[0], span[1]):
        a, b = _bounds(level[place], score[place], root[place], thresholds)
        out[place] = score[place] + truncated(a, b, uniforms[place]) / root[place]


@kernel()
def add_likelihood(
    rated: tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]],
    span: tuple[int, int],
    thresholds: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Sums over the ratings first:stop, into out, (3 K,), with the arguments of
    `draw_latents`.

    The sums are of the log likelihood [0], of its slopes by each threshold [1:K], and of its
    negative curvatures: by each threshold [K + 1:2 K], by it and the next [2 K + 1:].
    """
    level, score, root = rated
    n_levels = len(thresholds) + 1
    out[:] = 0
    for place in range(span[0], span[1]):
        k, weight = level[place], float(root[place])
        a, b = _bounds(k, score[place], weight, thresholds)
        found, at_a, at_b = interval(a, b)
        out[0] += found
        if k > 0:
            out[k] -= weight * at_a
            out[n_levels + k] += weight * weight * at_a * (at_a - a)
        if k + 1 < n_levels:
            out[k + 1] += weight * at_b
            out[n_levels + k + 1] += weight * weight * at_b * (at_b + b)
        if 0 < k < n_levels - 1:
            out[2 * n_levels + k] -= weight * weight * at_a * at_b


@kernel()
def respond(
    level: NDArray[np.int64],
    scores: NDArray[np.float64],
    roots: NDArray[np.float64],
    thresholds: NDArray[np.float64],
    out: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """The slope and negative curvature of each rating's log likelihood by its score.

    Args:
        level: (n,).
        scores: (S, n).
        roots: of the precision of the noise, (S,).
        thresholds: (S, K - 1).
        out: slopes and curvatures, (S, n).
    """
    slopes, curvatures = out
    for draw in range(len(scores)):
        root = roots[draw]
        for place in range(len(level)):
            a, b = _bounds(level[place], scores[draw, place], root, thresholds[draw])
            _, at_a, at_b = interval(a, b)
            slopes[draw, place] = root * (at_a - at_b)
            curvature = (at_a - at_b) ** 2
            if a > -inf:
                curvature -= a * at_a
            if b < inf:
                curvature += b * at_b
            curvatures[draw, place] = root * root * max(curvature, 1e-6)


@kernel(fastmath=True)
def add_stars(
    latents: NDArray[np.float32],
    roots: NDArray[np.float32],
    thresholds: NDArray[np.float32],
    gaps: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Adds the expected level and its expected square, less those of the lowest, to out, (2,
    N).

    Phi follows Abramowitz and Stegun (Handbook, 1964, 26.2.19), with an error of at most 2e-7.

    Args:
        latents: the score of each rating in each draw, (S, N).
        roots: of the precision of the noise, (N,).
        thresholds: (S, K - 1).
        gaps: the differences of adjacent levels, and of their squares, (2, K - 1).
    """
    for draw in range(len(latents)):
        row = latents[draw]
        for k in range(thresholds.shape[1]):
            threshold, gap, wider = thresholds[draw, k], gaps[0, k], gaps[1, k]
            for n in range(len(row)):
                x = (row[n] - threshold) * roots[n]
                y = min(abs(x), F32(FLAT))
                p = F32(0.0000488906) + y * F32(0.0000053830)
                p = F32(0.0211410061) + y * (F32(0.0032776263) + y * (F32(0.0000380036) + y * p))
                p = F32(1) + y * (F32(0.0498673470) + y * p)
                p *= p
                p *= p
                p *= p
                tail = F32(0.5) / (p * p)
                chance = F32(1) - tail if x > 0 else tail
                out[0, n] += gap * chance
                out[1, n] += wider * chance
