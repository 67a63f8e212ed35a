"""The demonstration: three real agents on loopback, the gateway in front of them, and real requests through it."""
