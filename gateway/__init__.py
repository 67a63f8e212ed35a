"""Onward: an egress gateway that decides each outbound transfer by the assurance of the agent receiving it."""

__version__ = "0.1.0"
