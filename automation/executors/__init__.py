"""The executors a step may name. To add one, write its module and add its line."""

from automation.executors.base import Endpoint, Executor, Outcome
from automation.executors.http import Http
from automation.executors.supervisor import Supervisor

__all__ = ["EXECUTORS", "Endpoint", "Executor", "Outcome"]

EXECUTORS: dict[str, Executor] = {
    "http": Http(),
    "supervisor": Supervisor(),
}
