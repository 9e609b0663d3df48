"""What supervisord is told to run, and how."""

import shlex
import sys

from aiops_site.estate import state as state_file
from aiops_site.estate.layout import SERVICE_NAMES
from aiops_site.estate.state import EstateState

HELPERS = ("load", "prober")
"""Not services: nobody is to heal them, so supervisord does."""

_CONFIG = """\
[supervisord]
nodaemon=true
silent=true
logfile=logs/supervisord.log
logfile_maxbytes=1MB
logfile_backups=1
pidfile=supervisord.pid
childlogdir=logs

[inet_http_server]
port={address}
username={username}
password={password}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""

_PROGRAM = """
[program:{name}]
command={command}
autostart=true
autorestart={autorestart}
startsecs=1
startretries=0
stopsignal=TERM
stopwaitsecs=2
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile=logs/{name}.log
stdout_logfile_maxbytes=1MB
stdout_logfile_backups=1
"""


def render(state: EstateState) -> str:
    """The text of supervisord's configuration file; it holds the password of its interface.

    Paths are relative to the estate's folder, where supervisord is to be started: it expands a
    log file's path twice, so that one with a percent sign could not be written here.
    """
    head = _CONFIG.format(
        address=state.supervisor_url.removeprefix("http://").removesuffix("/RPC2"),
        username=state.supervisor_username,
        password=state.supervisor_password,
    )
    return head + "".join(_program(name) for name in (*SERVICE_NAMES, *HELPERS))


def _program(name: str) -> str:
    is_service = name in SERVICE_NAMES
    words = ["shop", name] if is_service else [name]
    command = [sys.executable, "-P", "-m", f"aiops_site.estate.{words[0]}", *words[1:]]
    command += ["--state", state_file.STATE_FILE]
    return _PROGRAM.format(
        name=name,
        command=shlex.join(command).replace("%", "%%"),
        autorestart="false" if is_service else "true",
    )
