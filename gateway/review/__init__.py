"""Held transfers: kept encrypted, decided by people, and let through when the identical transfer comes again."""
