"""The real world: operating-system processes and sockets of one machine."""
