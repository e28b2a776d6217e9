"""What Alembic runs: the scripts, on the connection and in the transaction that app.storage.db hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
