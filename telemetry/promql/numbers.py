"""Numbers as Prometheus writes them: the shortest digits that give the same number again."""

from decimal import Decimal

SMALLEST_PLAIN, LARGEST_PLAIN = 1e-6, 1e21


def plain_text(value: float) -> str:
    """Never with an exponent; as a label has it."""
    text = repr(value)
    if text.endswith(".0"):
        return text[:-2]
    if text[-1].isdigit():
        return format(Decimal(text), "f") if "e" in text else text
    return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[text]


def answer_text(value: float) -> str:
    """With an exponent for the very small and the very large; as the query API has it."""
    size = abs(value)
    if (size < SMALLEST_PLAIN or size >= LARGEST_PLAIN) and 0 < size < float("inf"):
        return repr(value).replace(".0e", "e")
    return plain_text(value)
