"""An archive's index, and its search index, in PostgreSQL. Needs psycopg: the extra `postgres`."""
