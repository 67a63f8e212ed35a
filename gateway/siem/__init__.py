"""Export to a SIEM: what the ledger holds as events of the Open Cybersecurity Schema Framework, off by default.

A process of its own reads the ledger by sequence number with a connection of its own and keeps its position, so that no
transfer waits for a collector or fails with it. `ocsf` says what an event holds, `sinks` where it goes, `exporting` is
the process, `exporter` the gateway's side of it.
"""
