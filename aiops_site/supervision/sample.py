"""The sample estate as a child of `up`: it lives exactly as long as the console does."""

import signal
from pathlib import Path

from django.conf import settings
from django.utils.module_loading import import_string

from aiops_site.estate import state, supervisord
from aiops_site.supervision import readiness


def run(host: str, port: int) -> None:
    """Start the estate when the console answers, stop it on SIGTERM.

    It talks to the console over loopback, whatever the public address is.
    """
    stop_signals = {signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)
    if not readiness.is_reached(host, port):
        return
    alert_token, metrics_token = import_string(settings.SAMPLE_ESTATE_TOKENS)()
    supervisord.start(settings.DATA_DIR, _loopback_url(host, port), alert_token, metrics_token)
    import_string(settings.SAMPLE_ESTATE_STARTED)()
    signal.sigwait(stop_signals)
    supervisord.stop(settings.DATA_DIR)


def outbound_addresses(data_dir: Path) -> list[str]:
    """What AIOPS_OUTBOUND_ALLOW must let through for the estate that runs now; none without one.

    Its ports are the system's choice at each start, so ask again for each call.
    """
    try:
        estate = state.read(data_dir)
    except state.EstateNotRunning:
        return []
    supervisor_port = int(estate.supervisor_url.removesuffix("/RPC2").rpartition(":")[2])
    return [f"127.0.0.1/32:{port}" for port in (supervisor_port, *estate.ports.values())]


def _loopback_url(host: str, port: int) -> str:
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (compared only)
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"
