"""The wires of the exchange, as values: no I/O, no clock."""
