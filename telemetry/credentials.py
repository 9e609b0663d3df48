"""Tokens that are shown once and kept as hashes, and secrets that are kept encrypted."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


@dataclass(frozen=True)
class NewToken:
    """`plain` is for the person, once; `hashed` is for the database."""

    plain: str
    hashed: str


def issue_token(nbytes: int = 32) -> NewToken:
    plain = secrets.token_urlsafe(nbytes)
    return NewToken(plain, hash_token(plain))


def issue_hex_token(length: int) -> NewToken:
    plain = secrets.token_hex(length // 2)
    return NewToken(plain, hash_token(plain))


def hash_token(plain: str) -> str:
    """SHA-256 is enough: tokens carry at least 128 random bits, so there is nothing to guess."""
    return hashlib.sha256(plain.encode()).hexdigest()


def encrypt(secret: str) -> str:
    return _fernet().encrypt(secret.encode()).decode()


def decrypt(token: str) -> str:
    """Raises `cryptography.fernet.InvalidToken` when no known key fits."""
    return _fernet().decrypt(token.encode()).decode()


def is_current(token: str) -> bool:
    """Whether the newest key wrote it."""
    try:
        Fernet(_derive(settings.SECRET_KEY)).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


def renew(token: str) -> str:
    """The same secret under the newest key. Raises as `decrypt` does."""
    return _fernet().rotate(token.encode()).decode()


@lru_cache(maxsize=1)
def _fernet() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derive(key)) for key in keys])


def _derive(key: str) -> bytes:
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"console secrets v1")
    return base64.urlsafe_b64encode(hkdf.derive(key.encode()))
