"""The body of a request, and no more of it than we can bear."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from telemetry.intake.refusals import Oversized, Unreadable

BODY_SECONDS = 10


async def read_body(request: Request, limit: int) -> bytes:
    """Reads no more than the limit, whatever length the sender claims. Raises Unreadable."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise Oversized(f"A request may hold {limit} bytes.")
    except ClientDisconnect as error:
        raise Unreadable("The body ended early.") from error
    except TimeoutError as error:
        raise Unreadable(f"The body took longer than {BODY_SECONDS} s.") from error
    return bytes(body)
