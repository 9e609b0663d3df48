"""How often something happens, when it was not tried often."""

from math import sqrt

_Z_95 = 1.959964


def wilson(successes: float, tries: float) -> tuple[float, float]:
    """The 95 % interval of a share.

    Wilson 1927, https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval
    """
    if tries <= 0:
        return 0.0, 1.0
    share, z2 = successes / tries, _Z_95**2
    centre = (share + z2 / (2 * tries)) / (1 + z2 / tries)
    spread = _Z_95 * sqrt(share * (1 - share) / tries + z2 / (4 * tries**2)) / (1 + z2 / tries)
    return max(0.0, centre - spread), min(1.0, centre + spread)
