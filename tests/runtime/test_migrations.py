"""An older database is taken over: what is kept stays, what is derived is made anew."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config

import gateway.store.migrate
from gateway.ledger import Place
from gateway.ledger.mentions import Mentions
from gateway.store.database import open_database
from gateway.store.migrate import VERSION, migrate, version_of
from tests.databases import count, run
from tests.ledgers import a_ledger, a_record, verified


async def test_an_index_of_the_second_version_is_made_anew_from_the_records(place: Place):
    place.base.parent.mkdir(exist_ok=True)
    engine = open_database(place.where)
    with engine.begin() as connection:
        config = Config()
        scripts = Path(gateway.store.migrate.__file__).parent / "migrations"
        config.set_main_option("script_location", str(scripts))
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.exec_driver_sql("INSERT INTO mention (mark, seq) VALUES (7, 1)")
        connection.exec_driver_sql("UPDATE mention_end SET seq = 1")

    with engine.begin() as connection:
        migrate(connection)
        assert version_of(connection) == VERSION
    engine.dispose()

    assert (count(place, "mention"), run(place, "SELECT seq FROM mention_end")) == (0, [(0,)])
    with a_ledger(place) as ledger:
        await ledger.append(a_record("t-1", action="block"))
    with closing(Mentions(place)) as mentions:
        assert mentions.bring_up() == 1
    assert (count(place, "mention"), count(place, "mention_basis")) == (1, 1)
    assert verified(place).ok
