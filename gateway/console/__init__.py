"""The web console: another thin shell over the same modules as the command line, in a process of its own."""
