"""Model files as earlier versions wrote them, and what their models answered then."""
