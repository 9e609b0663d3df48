"""What a new source's sender needs to be told: address, token, a block to paste, a line to try."""

import shlex
from typing import Any

import orjson
from django.utils import timezone

from incidents.connecting import Connected
from incidents.sample_alerts import PRODUCTS, Product, address_of, product_for, sample


def instructions(connected: Connected) -> dict[str, Any]:
    product = product_for(connected.integration.provider)
    address = address_of(product)
    return {
        "integration": connected.integration,
        "sender": product,
        "address": address,
        "token": connected.token,
        "config": product.config(address, connected.token),
        "curl": _curl(product, address, connected.token),
    }


def _curl(product: Product, address: str, token: str) -> str:
    if product.slug not in PRODUCTS:
        return ""
    body = orjson.dumps(sample(product.slug, "firing", token=token, at=timezone.now())).decode()
    lines = [f"curl -sS -X POST {shlex.quote(address)}"]
    if not product.by_routing_key:
        lines.append(f"-H 'Authorization: Bearer {token}'")
    lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(body)}"]
    return " \\\n  ".join(lines)
