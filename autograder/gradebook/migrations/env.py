"""Run by Alembic: the migrations go through the one connection and transaction that `migrate` opened."""

from alembic import context

from autograder.gradebook.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
