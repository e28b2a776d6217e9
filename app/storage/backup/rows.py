"""All rows of one database into the same tables of another: SQLite's into PostgreSQL's, and back. JSON goes as the text
that it is, so that nothing is read or spelled anew on the way.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    func,
    insert,
    select,
    text,
    type_coerce,
)

_AT_ONCE = 500  # rows
_REVISION = "alembic_version"  # the scripts' own


def copy(source: Connection, target: Connection) -> None:
    """Fills the target's tables with the source's rows; both are of one revision. What the scripts have put into the
    target goes first. Raises what the databases raise."""
    into = tables(target)
    for name, table in tables(source).items():
        mine = into[name]
        if target.execute(select(func.count()).select_from(mine)).scalar_one():
            target.execute(delete(mine))
        for rows in _batches(source, table):
            target.execute(_insertion(mine, target), rows)
        if target.dialect.name == "postgresql":
            _count_on(target, mine)


def counts(connection: Connection) -> Mapping[str, int]:
    """How many rows each table has."""
    return {
        name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
        for name, table in tables(connection).items()
    }


def tables(connection: Connection) -> Mapping[str, Table]:
    """The tables that are there, whatever release made them, each behind those that it refers to."""
    found = MetaData()
    found.reflect(connection)
    return {table.name: table for table in found.sorted_tables if table.name != _REVISION}


def _batches(connection: Connection, table: Table) -> Iterator[Sequence[Mapping[str, Any]]]:
    """In the order of their keys: whoever counts rows up counts them so again."""
    columns = [_as_text(column, connection) for column in table.columns]
    query = select(*columns).order_by(*table.primary_key.columns)
    # on PostgreSQL a cursor of the server's: nobody holds a whole table in memory
    streamed = connection.execution_options(yield_per=_AT_ONCE).execute(query)
    for rows in streamed.mappings().partitions():
        yield [dict(row) for row in rows]


def _as_text(column: Column[Any], connection: Connection) -> ColumnElement[Any]:
    if not isinstance(column.type, JSON):
        return column
    is_server = connection.dialect.name == "postgresql"
    return (cast(column, Text) if is_server else type_coerce(column, Text)).label(column.name)


def _insertion(table: Table, connection: Connection) -> Any:
    is_server = connection.dialect.name == "postgresql"
    values: dict[str, Any] = {}
    for column in table.columns:
        if isinstance(column.type, JSON):
            raw = bindparam(column.name, type_=Text())
            values[column.name] = cast(raw, column.type) if is_server else type_coerce(raw, Text)
        else:
            values[column.name] = bindparam(column.name)
    return insert(table).values(values)


def _count_on(connection: Connection, table: Table) -> None:
    """Where PostgreSQL gives numbers itself, it goes on behind the largest."""
    for column in table.primary_key.columns:
        if not isinstance(column.type, Integer):
            continue
        named = {"table": table.name, "column": column.name}
        sequence = connection.execute(text("SELECT pg_get_serial_sequence(:table, :column)"), named).scalar()
        if sequence is not None:
            largest = connection.execute(select(func.max(column))).scalar()
            if largest is not None:
                connection.execute(
                    text("SELECT setval(:sequence, :largest)"), {"sequence": sequence, "largest": largest}
                )
