import os
from pathlib import Path

from aiops_site.estate import state
from aiops_site.supervision import sample


def test_the_estates_own_ports_are_the_ones_to_open(tmp_path):
    folder = state.folder_of(tmp_path)
    folder.mkdir()
    running = state.EstateState(
        folder=folder,
        console_url="http://127.0.0.1:8000",
        ports={"gateway": 5001, "store": 5002},
        supervisor_url="http://127.0.0.1:5000/RPC2",
        owner_pid=os.getpid(),
    )
    state.write(running)

    opened = sample.outbound_addresses(tmp_path)

    assert opened == ["127.0.0.1/32:5000", "127.0.0.1/32:5001", "127.0.0.1/32:5002"]


def test_without_an_estate_nothing_is_opened():
    assert sample.outbound_addresses(Path("/nonexistent")) == []
