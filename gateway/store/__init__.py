"""The database behind ledger and review: SQLite beside the gateway, or PostgreSQL by URL; one code path for both."""
