"""Over TLS the name is asked for and proved, and the judged address connected to."""

import datetime
import ssl
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from telemetry.address_tiers import parse_openings
from telemetry.outbound_async import AsyncGuardedTransport
from telemetry.outbound_guard import Guard
from telemetry.sources.base import SourceFailed
from tests.telemetry.sources.conftest import Opened
from tests.telemetry.sources.recorded import Recorded, Reply, _handler

NAME = "prometheus.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of its own making, for the one name; with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def served(certificate: Path) -> Iterator[tuple[Recorded, int]]:
    recorded = Recorded()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(recorded))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield recorded, server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def guard() -> Guard:
    return Guard(parse_openings("127.0.0.1/32"), resolve=lambda *_: ["127.0.0.1"])


@pytest.mark.parametrize(("name", "is_proved"), [(NAME, True), ("other.example", False)])
async def test_a_certificate_is_for_the_name_that_was_typed(
    served: tuple[Recorded, int], certificate: Path, name: str, *, is_proved: bool
):
    recorded, port = served
    recorded.give("/", Reply(b"there"))
    trust = ssl.create_default_context(cafile=str(certificate))
    transport = AsyncGuardedTransport(guard(), ssl_context=trust)

    async with httpx.AsyncClient(transport=transport) as client:
        if is_proved:
            assert (await client.get(f"https://{name}:{port}/")).text == "there"
        else:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await client.get(f"https://{name}:{port}/")

    assert len(recorded.asked) == is_proved


async def test_a_certificate_that_nobody_vouches_for_is_told(
    opened: Opened, served: tuple[Recorded, int]
):
    recorded, port = served

    with pytest.raises(SourceFailed, match=r"certificate is not accepted: .*self.signed"):
        await opened("prometheus", f"https://127.0.0.1:{port}").check()

    assert recorded.asked == []
