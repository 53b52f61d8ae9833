"""How each outside system is spoken to: protocol, limits, errors. Plain Python; knows settings and transports."""
