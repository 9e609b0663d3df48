"""What the stores ask of a database, so that SQLite and PostgreSQL run the same statements."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, ClassVar

VALUES_AT_ONCE = 1_000
MOST_IDLE = 4


class Unavailable(Exception):
    """The database did not let us in or did not answer; what was being done may be done again."""


class Session(ABC):
    """One transaction. In a statement `?` is the place of a value."""

    @abstractmethod
    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the statement returns."""

    @abstractmethod
    def change(self, statement: str, *values: Any) -> int:
        """Returns how many rows were changed."""

    @abstractmethod
    def add(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Inserts many rows."""

    @abstractmethod
    def add_new(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Inserts those of the rows whose key is not there yet."""

    @abstractmethod
    def enter_alone(self) -> None:
        """Until the end of this transaction no other one comes past this point."""

    def rows_among(
        self, statement: str, *values: Any, among: Iterable[Any]
    ) -> list[tuple[Any, ...]]:
        """The statement says `IN ({})` where the many values belong, after all others."""
        found: list[tuple[Any, ...]] = []
        for some in _portions(among):
            found += self.rows(statement.format(_places(some)), *values, *some)
        return found

    def change_among(self, statement: str, *values: Any, among: Iterable[Any]) -> int:
        """As `rows_among`."""
        return sum(
            self.change(statement.format(_places(some)), *values, *some)
            for some in _portions(among)
        )


class Database(ABC):
    """Connections are opened when they are needed, and each serves one transaction at a time."""

    FAILURE: ClassVar[type[Exception]]
    READ: ClassVar[str]
    WRITE: ClassVar[str]

    def __init__(self) -> None:
        self._idle: list[Any] = []

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """All that is read is of one moment. Raises Unavailable."""
        with self._transaction(self.READ) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Durable once left; an error undoes everything. Raises Unavailable."""
        with self._transaction(self.WRITE) as session:
            yield session

    @abstractmethod
    def size_bytes(self) -> int: ...

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    @abstractmethod
    def _connected(self) -> Any:
        """A new connection; every statement is its own transaction unless one is begun."""

    @abstractmethod
    def _session(self, connection: Any) -> Session: ...

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Session]:
        try:
            connection = self._begun(begin)
            try:
                yield self._session(connection)
                connection.execute("COMMIT")
            except BaseException:
                connection.close()  # which also undoes what it did
                raise
        except self.FAILURE as error:
            raise Unavailable(f"The telemetry store does not answer: {error}") from error
        self._lay_by(connection)

    def _lay_by(self, connection: Any) -> None:
        if len(self._idle) < MOST_IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    def _begun(self, begin: str) -> Any:
        """An idle connection may have been cut off since it was used last."""
        while self._idle:
            connection = self._idle.pop()
            try:
                connection.execute(begin)
            except self.FAILURE:
                connection.close()
            else:
                return connection
        connection = self._connected()
        connection.execute(begin)
        return connection


def _portions(values: Iterable[Any]) -> Iterator[list[Any]]:
    remaining = iter(values)
    while some := list(islice(remaining, VALUES_AT_ONCE)):
        yield some


def _places(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))
