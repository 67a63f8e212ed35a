"""How the gateway's model of names is made: texts in, `gateway/models/names-xx` out. See README.md."""
