"""`onward doctor`, `health` and `--version`."""

from __future__ import annotations

import socket

from gateway import __version__


def test_doctor_finds_nothing_wrong_in_a_fresh_place_and_names_what_is(onward, place):
    config = place.folder / "onward.toml"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with socket.socket() as free, socket.socket() as metrics:
            free.bind(("127.0.0.1", 0))
            metrics.bind(("127.0.0.1", 0))
            free_port, metrics_port = free.getsockname()[1], metrics.getsockname()[1]
        settings = config.read_text()
        config.write_text(f"{settings}listen_port = {free_port}\nmetrics_port = {metrics_port}\n")
        well = onward("doctor", "--json")
        assert well.code == 0, well.out
        config.write_text(f"{settings}listen_port = {port}\nmetrics_port = {metrics_port}\n")
        ill = onward("doctor", "--json")

    assert ill.code == 1
    failed = [check for check in ill.json["checks"] if not check["ok"]]
    assert [check["check"] for check in failed] == ["proxy port"]
    assert "listen_port" in failed[0]["said"]


def test_doctor_is_loud_about_what_may_leave_uninspected(onward, place):
    rules = place.folder / "rules"
    agent = (rules / "agents" / "examples.yaml").read_text().partition("- id: ")[2].partition("\n")[0]
    (rules / "policy" / "uninspected.yaml").write_text(
        f"schema: 1\nuninspected:\n  - {{agent: {agent}, protocols: [tls], reason: Pinned., approver: DPO, "
        "reference: D-1, valid_from: 2020-01-01, valid_until: 2999-12-31}\n"
    )

    said = onward("doctor")

    assert "WARN" in said.out
    assert "UNINSPECTED until 2999-12-31" in " ".join(said.out.split())


def test_health_of_a_gateway_that_does_not_run_is_3(onward):
    said = onward("health")

    assert said.code == 3
    assert "readyz" in said.err


def test_the_version_is_shown(onward):
    assert onward("--version").out.strip() == __version__
