"""What the gateway costs: measured against a plain mitmdump, on loopback, in the same run."""
