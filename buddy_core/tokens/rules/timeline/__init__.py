"""The timeline of lots: what is left, drawn and owed at an instant, from facts alone; nothing is stored."""
