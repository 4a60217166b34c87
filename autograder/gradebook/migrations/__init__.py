"""Alembic: `versions` says how the tables came to be what they are, `env` how the steps are run."""
