"""Who may read by an API token in front of Django; looked up at most every two seconds."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from django.db import Error, connection
from rest_framework.exceptions import AuthenticationFailed
from starlette.requests import Request

from aiops_site.authentication import TokenAuthentication
from incidents.api.senders import token_from
from telemetry.api.prometheus import NotAdmitted
from telemetry.credentials import hash_token

PERMISSION = "telemetry.view_series"
REMEMBERED_SECONDS = 2.0
REMEMBERED_READERS = 1_000
PATIENCE_SECONDS = 1.0
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readers")
_known: dict[str, float] = {}


async def admit(request: Request) -> None:
    """Raises NotAdmitted. A revoked token stops working within `REMEMBERED_SECONDS`."""
    hashed = hash_token(token_from(request.headers))
    if time.monotonic() - _known.get(hashed, float("-inf")) <= REMEMBERED_SECONDS:
        return
    looking = asyncio.get_running_loop().run_in_executor(_thread, _look_up, request)
    try:
        await asyncio.wait_for(looking, PATIENCE_SECONDS)
    except (TimeoutError, Error) as error:
        raise NotAdmitted(503, "The database does not say who is asking; ask again.") from error
    if len(_known) >= REMEMBERED_READERS:
        _known.clear()
    _known[hashed] = time.monotonic()


def _look_up(request: Request) -> None:
    try:
        found = TokenAuthentication().authenticate(cast(Any, request))
        may_read = found is not None and found[0].has_perm(PERMISSION)
    except AuthenticationFailed as error:
        raise NotAdmitted(401, str(error)) from error
    except Error:
        connection.close()
        raise
    if found is None:
        raise NotAdmitted(401, "An API token is needed, as Bearer or as basic-auth password.")
    if not may_read:
        raise NotAdmitted(403, f"This needs the permission {PERMISSION}.")
