"""AWS Signature Version 4, for requests whose body is known before they are sent.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from urllib.parse import quote

import httpx

ALGORITHM = "AWS4-HMAC-SHA256"
_SIGNED = ("content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class AwsSignature(httpx.Auth):
    access_key: str
    secret_key: str
    region: str
    service: str
    session_token: str = ""
    now: Callable[[], datetime] = _now

    requires_request_body = True

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        at = self.now().strftime("%Y%m%dT%H%M%SZ")
        request.headers["x-amz-date"] = at
        if self.session_token:
            request.headers["x-amz-security-token"] = self.session_token
        names = [name for name in _SIGNED if name in request.headers]
        scope = f"{at[:8]}/{self.region}/{self.service}/aws4_request"
        hashed = _sha256(_canonical(request, names).encode())
        signature = self._signature(scope, "\n".join([ALGORITHM, at, scope, hashed]))
        request.headers["authorization"] = (
            f"{ALGORITHM} Credential={self.access_key}/{scope}, "
            f"SignedHeaders={';'.join(names)}, Signature={signature}"
        )
        yield request

    def _signature(self, scope: str, text: str) -> str:
        key = reduce(_hmac, scope.split("/"), f"AWS4{self.secret_key}".encode())
        return _hmac(key, text).hex()


def _canonical(request: httpx.Request, names: list[str]) -> str:
    headers = [f"{name}:{' '.join(request.headers[name].split())}\n" for name in names]
    pairs = sorted(
        (quote(name, ""), quote(value, "")) for name, value in request.url.params.multi_items()
    )
    return "\n".join(
        [
            request.method,
            quote(request.url.path, "/"),
            "&".join(f"{name}={value}" for name, value in pairs),
            "".join(headers),
            ";".join(names),
            _sha256(request.content),
        ]
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
